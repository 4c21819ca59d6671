"""What happens around every request, whichever view answers it."""

import asyncio
import json
import logging
import secrets
import time
from html import escape

from aiohttp import web
from aiohttp.typedefs import Handler
from pymongo.errors import PyMongoError

from .auth.models import USER, find_user

log = logging.getLogger("aiochat")

REQUEST_ID = web.RequestKey("request_id", str)

PATIENCE = 2.5  # seconds

# The names of the routes that strangers may use.
PUBLIC = {"login", "signup", "signout"}

SECURITY_HEADERS = {
    "Content-Security-Policy": "base-uri 'none'; frame-ancestors 'none'; object-src 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

REASONS = {
    404: "There is nothing at this address.",
    405: "This address does not answer that kind of request.",
}

ERROR_PAGE = """\
<!doctype html>
<title>{title}</title>
<h1>{title}</h1>
<p>{reason}</p>
<p><small>Request {request_id}</small></p>
"""


@web.middleware
async def log_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request an id, and the log one line about it."""
    request[REQUEST_ID] = secrets.token_hex(4)
    started = time.perf_counter()
    status = 500
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        # The path as it was sent: percent-encoded, it stays on one line;
        # without its query, it tells no secrets.
        path = request.rel_url.raw_path
        duration = (time.perf_counter() - started) * 1000
        log.info(
            "%s %s %s: %d in %.1f ms", request[REQUEST_ID], request.method, path, status, duration
        )


@web.middleware
async def explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer, in one form, every error that no view has answered."""
    answer: web.HTTPException
    try:
        return await handler(request)
    except web.HTTPException as error:
        answer = error
    except (PyMongoError, TimeoutError) as error:
        log.error("%s failed: %r", request[REQUEST_ID], error)
        answer = web.HTTPServiceUnavailable(
            text="The chat is too busy, or its database is down. Please try again in a moment.",
            headers={"Retry-After": "5"},
        )
    except Exception:
        log.exception("%s failed", request[REQUEST_ID])
        # The details are for the log; strangers would learn too much from them.
        answer = web.HTTPInternalServerError(text="Something went wrong on our side.")
    if answer.status >= 400:
        explain(request, answer)
    raise answer


def explain(request: web.Request, error: web.HTTPException) -> None:
    """Write the reason as a page for a browser, as JSON for a program."""
    details = {
        "title": f"{error.status} {error.reason}",
        "reason": REASONS.get(error.status) or error.text or "",
        "request_id": request[REQUEST_ID],
    }
    if "text/html" in request.headers.get("Accept", ""):
        error.content_type = "text/html"
        error.text = ERROR_PAGE.format_map({name: escape(text) for name, text in details.items()})
    else:
        error.content_type = "application/json"
        error.text = json.dumps(details)


@web.middleware
async def answer_in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody wait behind a database that does not answer; a socket may take its time."""
    if request.method == "GET" and request.match_info.route.name == "ws":
        return await handler(request)
    async with asyncio.timeout(PATIENCE):
        return await handler(request)


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let no other site's page post in a person's name, nor open their socket."""
    # The handshake of a socket is a GET too, and not a harmless one.
    harmless = request.method in {"GET", "HEAD", "OPTIONS"} and "Upgrade" not in request.headers
    if not harmless and not is_same_origin(request):
        raise web.HTTPForbidden(text="This request was made by another site's page.")
    return await handler(request)


def is_same_origin(request: web.Request) -> bool:
    """Tell whether a request comes from our own pages, or from no browser at all."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host


@web.middleware
async def authorize(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put the person on the request; send strangers to the login."""
    exists = request.match_info.http_exception is None  # if not, it is 404 for strangers too
    user = find_user(request)
    if user is not None:
        request[USER] = user
    elif exists and request.match_info.route.name not in PUBLIC:
        raise web.HTTPSeeOther(request.app.router["login"].url_for())
    return await handler(request)


@web.middleware
async def read_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the form that was posted, so that no view meets one that cannot be read.

    aiohttp keeps what it has read: the views' own calls of `post()` cost nothing.
    """
    if request.method == "POST" and (request.can_read_body or "Content-Type" in request.headers):
        if request.content_type != "application/x-www-form-urlencoded":
            raise web.HTTPBadRequest(text="Only an ordinary form (urlencoded) can be posted here.")
        if (request.charset or "utf-8").lower() != "utf-8":
            raise web.HTTPBadRequest(text="Only UTF-8 can be posted here.")
        try:
            await request.post()
        except (ValueError, web.RequestPayloadError, ConnectionError) as error:
            raise web.HTTPBadRequest(text="The form cannot be read.") from error
    return await handler(request)


MIDDLEWARES = [
    log_requests,
    explain_errors,
    answer_in_time,
    refuse_other_sites,
    authorize,
    read_forms,
]


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Finish every answer, just before it is sent.

    This is a signal, because a socket's handshake is sent before a middleware sees it.
    """
    response.headers.update(SECURITY_HEADERS)
    response.headers["X-Request-ID"] = request.get(REQUEST_ID, "-")
    response.headers.pop("Server", None)  # which versions run here is nobody's business
