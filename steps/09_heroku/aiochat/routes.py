"""The URL map: one line per route."""

from aiohttp import web

from .auth import views as auth
from .chat import views as chat
from .health import check_health

routes = [
    web.view("/", chat.Main, name="main"),
    web.view("/ws", chat.Socket, name="ws"),
    web.view("/history", chat.History, name="history"),
    web.view("/login", auth.Login, name="login"),
    web.view("/signup", auth.SignUp, name="signup"),
    web.view("/signout", auth.SignOut, name="signout"),
    web.get("/healthz", check_health, name="healthz"),
]
