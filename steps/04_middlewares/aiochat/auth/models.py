"""People and their names."""

import re
from unicodedata import normalize
from urllib.parse import unquote

from aiohttp import web

COOKIE = "user"

USER = web.RequestKey("user", str)

MAX_NAME = 40  # characters

# Printable, says Python, but there is nothing to see.
INVISIBLE = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")

# What nobody sees either, and keyboards add to emoji: which look of a character is meant.
VARIANTS = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def check_name(name: object) -> str:
    """Return the name as it is kept.

    Raises ValueError, in words for the person, if nobody can be called that.
    """
    if not isinstance(name, str) or len(name) > 4 * MAX_NAME:
        name = ""  # far too long: normalizing it could take seconds
    # One é may be one character or two; NFC makes the same name the same string.
    name = normalize("NFC", VARIANTS.sub("", name))
    name = re.sub(" +", " ", name).strip()  # a page shows several spaces as one
    # isprintable() refuses control characters, and invisible ones, which make two names
    # look alike.
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or INVISIBLE & set(name):
        raise ValueError(f"A name has 1 to {MAX_NAME} characters, all of them visible.")
    return name


def find_user(request: web.Request) -> str | None:
    """Return the name that the request's cookie holds, or None for a stranger."""
    try:
        return check_name(unquote(request.cookies.get(COOKIE, "")))
    except ValueError:
        return None
