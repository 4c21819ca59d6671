"""The cookie: encrypted, so that nobody can read it, change it or make one up."""

import hashlib

from aiohttp import web
from aiohttp_session import Session as Cookie
from aiohttp_session import get_session, new_session
from aiohttp_session.cookie_storage import EncryptedCookieStorage

from ..settings import Settings

SESSION_ID = "session_id"
FLASH = "flash"


def make_storage(settings: Settings) -> EncryptedCookieStorage:
    """Say how the cookie is encrypted, and what browsers may do with it."""
    key = hashlib.sha256(settings.secret_key.encode()).digest()  # 32 bytes, as the cipher wants
    return EncryptedCookieStorage(
        key,
        cookie_name="session",
        max_age=settings.session_seconds,
        secure=settings.production,  # over HTTPS only
        httponly=True,  # out of reach for scripts
        samesite="Lax",  # not sent with other sites' forms
    )


async def read_cookie(request: web.Request) -> Cookie:
    """Return what the cookie holds, or an empty one if we did not make it."""
    try:
        return await get_session(request)
    except ValueError:  # characters that the cipher cannot have made
        return await new_session(request)


async def renew_cookie(request: web.Request, session_id: str | None = None) -> Cookie:
    """Replace the cookie, so that one planted before the login is worth nothing."""
    cookie = await new_session(request)
    if session_id:
        cookie[SESSION_ID] = session_id
    return cookie
