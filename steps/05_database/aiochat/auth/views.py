"""Signing up, logging in and out."""

from typing import NoReturn
from urllib.parse import quote

from aiohttp import web

from .models import COOKIE, USERS, NameTakenError, check_name

FORM = """\
<!doctype html>
<title>{title}</title>
<form method="post">
  <label>Your name <input name="login" required autofocus></label>
  <button>{title}</button>
</form>
<p><a href="/login">Log in</a> or <a href="/signup">sign up</a></p>
"""


class Login(web.View):
    """A form that asks for a name, and the cookie that remembers it."""

    async def get(self) -> web.Response:
        return web.Response(text=FORM.format(title="Log in"), content_type="text/html")

    head = get

    async def post(self) -> web.Response:
        name = await self.request.app[USERS].find(await read_name(self.request))
        if name is None:
            raise web.HTTPForbidden(text="Nobody has this name yet. Sign up to take it.")
        remember(self.request, name)


class SignUp(web.View):
    """The same form for somebody new."""

    async def get(self) -> web.Response:
        return web.Response(text=FORM.format(title="Sign up"), content_type="text/html")

    head = get

    async def post(self) -> web.Response:
        name = await read_name(self.request)
        try:
            await self.request.app[USERS].add(name)
        except NameTakenError as error:
            raise web.HTTPConflict(text=str(error)) from error
        remember(self.request, name)


class SignOut(web.View):
    """Forget who it was; only by POST, so that no link and no picture can do it."""

    async def post(self) -> web.Response:
        response = web.HTTPSeeOther(self.request.app.router["login"].url_for())
        response.del_cookie(COOKIE)
        raise response


async def read_name(request: web.Request) -> str:
    """Return the name in the form that was posted."""
    form = await request.post()
    try:
        return check_name(form.get("login"))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error


def remember(request: web.Request, name: str) -> NoReturn:
    """Send somebody who is logged in to the chat."""
    response = web.HTTPSeeOther(request.app.router["main"].url_for())
    response.set_cookie(COOKIE, quote(name), httponly=True, samesite="Lax")
    raise response
