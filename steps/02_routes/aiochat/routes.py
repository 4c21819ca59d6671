"""The URL map: one line per route."""

from aiohttp import web

from .chat import views as chat

routes = [
    web.get("/", chat.main, name="main"),
    web.get("/hello/{name}", chat.hello, name="hello"),
    web.get("/wait/{seconds:[0-9]}", chat.wait, name="wait"),
]
