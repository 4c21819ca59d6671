"""The application and what it is made of."""

import asyncio

from aiohttp import web


async def hello(request: web.Request) -> web.Response:
    """Greet, after a second that stands for a slow database or a distant service."""
    await asyncio.sleep(1)
    return web.Response(text="Hello, aiohttp!\n")


def create_app() -> web.Application:
    """Make the application; every call makes a new one."""
    app = web.Application()
    app.add_routes([web.get("/", hello)])
    return app
