"""aiohttp: a hello, and a page with an encrypted session, as our steps have it."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web
from aiohttp_session import get_session, setup
from aiohttp_session.cookie_storage import EncryptedCookieStorage

from bench.peers.common import BACKLOG, HOST, new_loop, options
from bench.peers.pages import HELLO, NAME, context, loader


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=HELLO)


async def login(request: web.Request) -> web.Response:
    session = await get_session(request)
    session["user"] = "ann"
    return web.Response(text="ok")


@aiohttp_jinja2.template(NAME)
async def page(request: web.Request) -> dict[str, Any]:
    session = await get_session(request)
    return context(session.get("user"))


def with_sessions() -> web.Application:
    app = web.Application()
    setup(app, EncryptedCookieStorage(b"x" * 32))
    aiohttp_jinja2.setup(app, loader=loader)
    app.add_routes([web.get("/login", login), web.get("/page", page)])
    return app


if __name__ == "__main__":
    given = options()
    app = with_sessions()
    app.add_routes([web.get("/", hello)])
    web.run_app(
        app,
        host=HOST,
        port=given.port,
        loop=new_loop(given.loop),
        backlog=BACKLOG,
        access_log=None,
        print=None,
    )
