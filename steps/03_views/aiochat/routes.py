"""The URL map: one line per route."""

from aiohttp import web

from .auth import views as auth
from .chat import views as chat

routes = [
    web.view("/", chat.Main, name="main"),
    web.view("/ws", chat.Socket, name="ws"),
    web.view("/login", auth.Login, name="login"),
    web.view("/signout", auth.SignOut, name="signout"),
]
