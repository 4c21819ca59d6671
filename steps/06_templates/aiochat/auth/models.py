"""People and their names."""

import re
from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

from aiohttp import web
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import DuplicateKeyError

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


def to_key(name: str) -> str:
    """Return what is the same for all ways of writing a name."""
    return normalize("NFKC", name).casefold()


class NameTakenError(Exception):
    """Somebody else has this name."""


class Users:
    """The people who have signed up.

    Names that differ only in case or width have the same key. The key is the _id, and
    unique as every _id is: looking first whether a name is free would let two people have
    it who ask at the same moment.
    """

    def __init__(self, collection: AsyncIOMotorCollection[dict[str, Any]]) -> None:
        self.collection = collection

    async def add(self, name: str) -> None:
        """Give the name to one person. Raises NameTakenError for the next."""
        try:
            await self.collection.insert_one(
                {"_id": to_key(name), "name": name, "since": datetime.now(UTC)}
            )
        except DuplicateKeyError:
            raise NameTakenError(f"The name {name} is taken.") from None

    async def find(self, name: str) -> str | None:
        """Return the name as its owner writes it, or None if nobody has it."""
        user = await self.collection.find_one({"_id": to_key(name)})
        return user["name"] if user else None


USERS = web.AppKey("users", Users)
