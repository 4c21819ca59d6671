"""Logging in and out."""

from urllib.parse import quote

from aiohttp import web

from .models import COOKIE, check_name

FORM = """\
<!doctype html>
<title>Log in</title>
<form method="post">
  <label>Your name <input name="login" required autofocus></label>
  <button>Log in</button>
</form>
"""


class Login(web.View):
    """A form that asks for a name, and the cookie that remembers it."""

    async def get(self) -> web.Response:
        return web.Response(text=FORM, content_type="text/html")

    head = get

    async def post(self) -> web.Response:
        form = await self.request.post()
        try:
            name = check_name(form.get("login"))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        response = web.HTTPSeeOther(self.request.app.router["main"].url_for())
        response.set_cookie(COOKIE, quote(name), httponly=True, samesite="Lax")
        raise response


class SignOut(web.View):
    """Forget who it was; only by POST, so that no link and no picture can do it."""

    async def post(self) -> web.Response:
        response = web.HTTPSeeOther(self.request.app.router["login"].url_for())
        response.del_cookie(COOKIE)
        raise response
