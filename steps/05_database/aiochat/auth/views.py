"""Signing up, logging in and out."""

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
        raise redirect_to_chat(self.request, await log_in(self.request))


class SignUp(web.View):
    """The same form for somebody new, who takes a name; a password comes in step 07."""

    async def get(self) -> web.Response:
        return web.Response(text=FORM.format(title="Sign up"), content_type="text/html")

    head = get

    async def post(self) -> web.Response:
        raise redirect_to_chat(self.request, await sign_up(self.request))


class SignOut(web.View):
    """Forget who it was; only by POST, so that no link and no picture can do it."""

    async def post(self) -> web.Response:
        response = web.HTTPSeeOther(self.request.app.router["login"].url_for())
        response.del_cookie(COOKIE)
        raise response


async def log_in(request: web.Request) -> str:
    """Return the name of a person who has signed up, from the form that was posted."""
    name = await request.app[USERS].find(await read_name(request))
    if name is None:
        raise web.HTTPForbidden(text="Nobody has this name yet. Sign up to take it.")
    return name


async def sign_up(request: web.Request) -> str:
    """Give somebody new the name in the form that was posted, and return it."""
    name = await read_name(request)
    try:
        await request.app[USERS].add(name)
    except NameTakenError as error:
        raise web.HTTPConflict(text=str(error)) from error
    return name


async def read_name(request: web.Request) -> str:
    """Return the name from the posted form."""
    form = await request.post()
    try:
        return check_name(form.get("login"))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error


def redirect_to_chat(request: web.Request, name: str) -> web.HTTPSeeOther:
    """Send somebody to the chat, with a cookie that remembers the name."""
    response = web.HTTPSeeOther(request.app.router["main"].url_for())
    response.set_cookie(COOKIE, quote(name), httponly=True, samesite="Lax")
    return response
