"""What the chat's addresses answer."""

import asyncio

from aiohttp import web


async def main(request: web.Request) -> web.Response:
    """Show the way to the other pages; the links are built from the routes' names."""
    router = request.app.router
    hello = router["hello"].url_for(name="World")
    wait = router["wait"].url_for(seconds="3")
    page = f'<a href="{hello}">Say hello</a> or <a href="{wait}">wait 3 seconds</a>\n'
    return web.Response(text=page, content_type="text/html")


async def hello(request: web.Request) -> web.Response:
    """Greet somebody by name."""
    name = request.match_info["name"]
    return web.Response(text=f"Hello, {name}!\n")


async def wait(request: web.Request) -> web.Response:
    """Answer after some seconds; everybody else is served meanwhile."""
    seconds = int(request.match_info["seconds"])
    await asyncio.sleep(seconds)
    return web.Response(text=f"Done after {seconds} s.\n")
