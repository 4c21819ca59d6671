"""Signing up, logging in and out."""

import asyncio
import re

import aiohttp_jinja2
from aiohttp import web
from pymongo.errors import PyMongoError

from ..chat.hub import HUB
from ..limits import LIMITS, find_address, too_many
from .cookie import FLASH, renew_cookie
from .models import SESSION, SESSIONS, USERS, NameTakenError, check_name, to_key
from .passwords import check_password, to_password

TITLES = {"login": "Log in", "signup": "Sign up"}

# A path of this site, in letters, digits, _ and -, perhaps with a query: nothing that
# any browser could take for the address of another site.
OWN_PATH = re.compile(r"/([\w-]+/)*[\w-]*(\?[\w=&-]*)?", re.ASCII)


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
        raise await redirect_with_session(self.request, name)


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
        raise await redirect_with_session(self.request, name)


class SignOut(web.View):
    """End the session; only by POST, so that no link and no picture can do it."""

    async def post(self) -> web.Response:
        form = await self.request.post()
        await end_session(self.request, everywhere="everywhere" in form)
        cookie = await renew_cookie(self.request)
        cookie[FLASH] = "You have signed out."
        raise web.HTTPSeeOther(self.request.app.router["login"].url_for())


async def show_form(
    request: web.Request, action: str, refusal: web.HTTPClientError | None = None
) -> web.Response:
    """Show a form or, if it was refused, the form as it was filled in and the reason."""
    form = await request.post()
    context = {
        "action": action,
        "title": TITLES[action],
        "reason": refusal.text if refusal else "",
        "login": form.get("login", ""),
        "next": own_path(form.get("next") or request.query.get("next")),
    }
    response = aiohttp_jinja2.render_template(
        "auth/login.html", request, context, status=refusal.status if refusal else 200
    )
    if isinstance(refusal, web.HTTPTooManyRequests):
        response.headers["Retry-After"] = refusal.headers["Retry-After"]
    return response


async def log_in(request: web.Request) -> str:
    """Return the name of the person whose name and password were posted."""
    name = await read_name(request)
    form = await request.post()
    limits = request.app[LIMITS]
    guess = find_address(request), to_key(name)
    # Counted before it is looked at, or a hundred guesses at once would all be.
    if wait := limits.take_guess(*guess):
        raise too_many("Too many wrong passwords. Please wait a minute.", wait)
    try:
        user = await request.app[USERS].find(name, to_password(form.get("password")))
    except (PyMongoError, asyncio.CancelledError):
        limits.give_guess_back(*guess)  # the database is down, or too slow: nobody has looked
        raise
    if user is None:
        # Not which of the two: that would tell who has signed up here.
        raise web.HTTPForbidden(text="The name or the password is wrong.")
    limits.give_guess_back(*guess)  # only what was wrong counts
    return user


async def sign_up(request: web.Request) -> str:
    """Give somebody new the name and the password that were posted; return the name."""
    name = await read_name(request)
    form = await request.post()
    if wait := request.app[LIMITS].addresses.take(find_address(request)):
        raise too_many("Too many people sign up at once. Please wait a minute.", wait)
    try:
        await request.app[USERS].add(name, check_password(form.get("password"), name))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
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


async def redirect_with_session(request: web.Request, name: str) -> web.HTTPSeeOther:
    """Begin a session, and send its owner to where they wanted to go."""
    await end_session(request)
    session = await request.app[SESSIONS].start(name)
    await renew_cookie(request, session.id)
    form = await request.post()
    return web.HTTPSeeOther(own_path(form.get("next")))


async def end_session(request: web.Request, everywhere: bool = False) -> None:
    """End the session of a request, if it has one, and close its sockets."""
    session = request.get(SESSION)
    if session is None:
        return
    await request.app[SESSIONS].end(session, everywhere)
    await request.app[HUB].sign_out(session.user, None if everywhere else session.id)


def own_path(path: object) -> str:
    """Return the path if it is one of this site, else the chat's."""
    return path if isinstance(path, str) and OWN_PATH.fullmatch(path) else "/"
