"""Signing up, logging in and out."""

from urllib.parse import quote

import aiohttp_jinja2
from aiohttp import web

from .models import COOKIE, USERS, NameTakenError, check_name

TITLES = {"login": "Log in", "signup": "Sign up"}


class Login(web.View):
    """The form for somebody who has signed up."""

    async def get(self) -> web.Response:
        return await show_form(self.request, "login")

    head = get

    async def post(self) -> web.Response:
        try:
            name = await log_in(self.request)
        except web.HTTPClientError as refusal:
            return await show_form(self.request, "login", refusal)
        raise redirect_to_chat(self.request, name)


class SignUp(web.View):
    """The form for somebody new."""

    async def get(self) -> web.Response:
        return await show_form(self.request, "signup")

    head = get

    async def post(self) -> web.Response:
        try:
            name = await sign_up(self.request)
        except web.HTTPClientError as refusal:
            return await show_form(self.request, "signup", refusal)
        raise redirect_to_chat(self.request, name)


class SignOut(web.View):
    """Forget who it was; only by POST, so that no link and no picture can do it."""

    async def post(self) -> web.Response:
        response = web.HTTPSeeOther(self.request.app.router["login"].url_for())
        response.del_cookie(COOKIE)
        raise response


async def show_form(
    request: web.Request, action: str, refusal: web.HTTPClientError | None = None
) -> web.Response:
    """Show a form or, if it was refused, the form as it was filled in and the reason."""
    form = await request.post()
    context = {
        "title": TITLES[action],
        "reason": refusal.text if refusal else "",
        "login": form.get("login", ""),
    }
    return aiohttp_jinja2.render_template(
        "auth/login.html", request, context, status=refusal.status if refusal else 200
    )


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
