"""People, their names, and the sessions in which they are logged in."""

import asyncio
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import normalize

from aiohttp import web
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import DuplicateKeyError

from .passwords import hash_password, verify_password

USER = web.RequestKey("user", str)

MAX_NAME = 40  # characters

# Printable, says Python, but there is nothing to see.
INVISIBLE = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")

# What nobody sees either, and keyboards add to emoji: which look of a character is meant.
VARIANTS = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")

# How many passwords are hashed at once: each takes a core and 19 MiB.
HASHING_THREADS = 2

Document = dict[str, Any]


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

    def __init__(self, collection: AsyncIOMotorCollection[Document]) -> None:
        self.collection = collection
        self.threads = ThreadPoolExecutor(HASHING_THREADS)
        self.decoy = hash_password(secrets.token_hex())

    async def add(self, name: str, password: str) -> None:
        """Give the name to one person. Raises NameTakenError for the next."""
        # In a thread, where the slow hash does not hold up the event loop.
        loop = asyncio.get_running_loop()
        hashed = await loop.run_in_executor(self.threads, hash_password, password)
        try:
            await self.collection.insert_one(
                {
                    "_id": to_key(name),
                    "name": name,
                    "password": hashed,
                    "since": datetime.now(UTC),
                }
            )
        except DuplicateKeyError:
            raise NameTakenError(f"The name {name} is taken.") from None

    async def find(self, name: str, password: str) -> str | None:
        """Return the name as its owner writes it, if this is the owner's password."""
        user = await self.collection.find_one({"_id": to_key(name)})
        # Without a user there is as much to compute: the time must not tell who exists.
        stored = (user or {}).get("password", self.decoy)
        loop = asyncio.get_running_loop()
        matches = await loop.run_in_executor(self.threads, verify_password, password, stored)
        return user["name"] if user and matches else None


USERS = web.AppKey("users", Users)


@dataclass(frozen=True)
class Session:
    """The time between a person's login and the end of it, in one browser."""

    id: str
    user: str
    expires: datetime

    @property
    def seconds_left(self) -> float:
        """Say for how long it will still count."""
        return (self.expires - datetime.now(UTC)).total_seconds()


class Sessions:
    """The sessions that have not ended; what is not here does not count."""

    def __init__(self, collection: AsyncIOMotorCollection[Document], seconds: int) -> None:
        self.collection = collection
        self.lifetime = timedelta(seconds=seconds)

    async def start(self, user: str) -> Session:
        """Begin a session, under an id that nobody can guess."""
        # The database removes what has expired. Once the index exists, this costs little;
        # at the start of the chat, the database may not be there.
        await self.collection.create_index("expires", expireAfterSeconds=0)
        session = Session(secrets.token_urlsafe(), user, datetime.now(UTC) + self.lifetime)
        await self.collection.insert_one(
            {"_id": session.id, "user": session.user, "expires": session.expires}
        )
        return session

    async def find(self, session_id: object) -> Session | None:
        """Return the session with this id, unless it has ended."""
        if not isinstance(session_id, str):
            return None
        found = await self.collection.find_one({"_id": session_id})
        session = Session(found["_id"], found["user"], found["expires"]) if found else None
        return session if session and session.seconds_left > 0 else None

    async def end(self, session: Session, everywhere: bool = False) -> None:
        """End a session or, everywhere, all of the same person."""
        await self.collection.delete_many(
            {"user": session.user} if everywhere else {"_id": session.id}
        )


SESSION = web.RequestKey("session", Session)
SESSIONS = web.AppKey("sessions", Sessions)
