"""Starlette on uvicorn: a hello, and a page with a signed session."""

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from bench.peers.common import BACKLOG, HOST, options
from bench.peers.pages import HELLO, SECRET, render


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(HELLO)


async def login(request: Request) -> PlainTextResponse:
    request.session["user"] = "ann"
    return PlainTextResponse("ok")


async def page(request: Request) -> HTMLResponse:
    return HTMLResponse(render(request.session.get("user")))


if __name__ == "__main__":
    given = options()
    app = Starlette(
        routes=[Route("/", hello), Route("/login", login), Route("/page", page)],
        middleware=[Middleware(SessionMiddleware, secret_key=SECRET)],
    )
    uvicorn.run(
        app,
        host=HOST,
        port=given.port,
        loop=given.loop,
        backlog=BACKLOG,
        http="httptools",
        log_level="warning",
        access_log=False,
    )
