"""The database: opened when the chat starts, closed when it stops."""

import logging
import sys
from collections.abc import AsyncIterator

from aiohttp import web
from mongomock_motor import AsyncMongoMockClient
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo.errors import PyMongoError

from .auth.models import USERS, Users
from .chat.hub import HUB
from .chat.models import MESSAGES, Document, Messages
from .settings import SETTINGS

log = logging.getLogger("aiochat")

TIMEOUT = 2_000  # milliseconds until a database that does not answer counts as down

KEEP_IN_MEMORY = 200  # messages; mongomock reads all of them for each answer

# Motor, because mongomock-motor imitates it. It is no longer maintained; its successor,
# pymongo.AsyncMongoClient, differs in few calls, all of which are in this file and in models.
Database = AsyncIOMotorDatabase[Document]


def connect(url: str) -> Database:
    """Return the database at this address or, without one, a database in memory.

    The real one confirms a write when most of its servers have it on disk, and shows
    only such writes: so what we have read survives a power cut, too.
    """
    if not url:
        return AsyncMongoMockClient(tz_aware=True)["chat"]
    try:
        client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            url,
            tz_aware=True,
            serverSelectionTimeoutMS=TIMEOUT,
            timeoutMS=TIMEOUT,
            w="majority",
            journal=True,
            readConcernLevel="majority",
        )
        return client.get_default_database("chat")
    except (PyMongoError, ValueError):  # whose own words may quote a password
        sys.exit("MONGO_URL is no address: set it to one such as mongodb://localhost/chat.")


async def open_database(app: web.Application) -> AsyncIterator[None]:
    """Connect, see what is there, and close at the end."""
    url = app[SETTINGS].mongo_url
    db = connect(url)
    app[USERS] = Users(db.users)
    app[MESSAGES] = Messages(
        db.messages, announce=app[HUB].send, keep=None if url else KEEP_IN_MEMORY
    )
    if url:
        log.info("Messages are kept in the database %r.", db.name)
    else:
        log.info("Messages are kept in memory, until the chat stops. Set MONGO_URL to keep them.")
    try:
        await app[MESSAGES].catch_up()
    except (PyMongoError, TimeoutError) as error:
        log.error(
            "The database does not answer. Start it; the chat will find it by itself. (%r)", error
        )
    yield
    db.client.close()
