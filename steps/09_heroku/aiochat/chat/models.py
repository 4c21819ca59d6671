"""What was said."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import BulkWriteError, PyMongoError

from .hub import Event

log = logging.getLogger("aiochat")

MAX_TEXT = 4_000  # characters
PAGE = 50  # messages
NEWEST = 10**15  # above every id
PATIENCE = 2.5  # seconds until a database that does not answer counts as down

Document = dict[str, Any]


class NotStoredError(PyMongoError):
    """The database did not confirm a message. Under its client_id it is safe to send again."""


@dataclass(frozen=True)
class Message:
    """Something that somebody said."""

    id: int
    user: str
    text: str
    at: datetime
    client_id: str

    def event(self) -> Event:
        """Return the message as clients receive it."""
        return {
            "type": "message",
            "id": self.id,
            "user": self.user,
            "text": self.text,
            "at": self.at.isoformat(timespec="milliseconds"),
            "client_id": self.client_id,
        }


@dataclass(eq=False)
class Draft:
    """A message on its way into the database."""

    user: str
    text: str
    client_id: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    message: Message | None = None  # once it is stored
    new: bool = False  # not stored before

    @property
    def key(self) -> str:
        """Say what makes it this message and no other, however often it is sent."""
        return f"{self.client_id}/{self.user}"


def check_text(text: object) -> str:
    """Return the text as it will be shown.

    Raises ValueError, in words for the person, if it cannot be a message.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("Say something: the text of a message is missing.")
    text = text.replace("\r\n", "\n")  # as forms send the end of a line
    if len(text) > MAX_TEXT:
        raise ValueError(
            f"A message has at most {MAX_TEXT:,} characters; this one has {len(text):,}."
        )
    # JSON can hold half a character (a lone surrogate), which nobody can send or store.
    return text.encode(errors="replace").decode()


class Messages:
    """The history, in the one order that everybody sees.

    A message is stored, then announced. While the database is busy with some, the next
    ones wait, and are then stored all at once: the more people talk, the less each
    message costs. A message's key is its _id, so the database itself refuses it the
    second time.

    Several processes may share a database. Each numbers its messages from the newest that
    it knows; where two take the same number, the unique index refuses the later one, whose
    process reads what it has missed and tries again.
    """

    def __init__(
        self,
        collection: AsyncIOMotorCollection[Document],
        announce: Callable[[Event], None],
        keep: int | None,
    ) -> None:
        """`keep` is how many messages a store in memory keeps; None: this is a real one."""
        self.collection = collection
        self.announce = announce
        self.keep = keep
        self.lock = asyncio.Lock()
        self.waiting: list[Draft] = []
        self.last = -1  # the id of the newest message that was announced; below 0: not known
        self.in_step = False  # whether we know all that the database holds

    async def add(self, user: str, text: str, client_id: str) -> tuple[Message, bool]:
        """Store a message, then announce it.

        Returns the message and whether it is new: the same client_id from the same
        person gives the first message again. Raises NotStoredError.
        """
        draft = Draft(user, text, client_id)
        self.waiting.append(draft)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                # Shielded: whoever gives up, the others' messages are stored all the same.
                await asyncio.shield(self._store_in_turn(draft))
        if draft.message is None:
            raise NotStoredError
        return draft.message, draft.new

    async def catch_up(self, seen: int = 0) -> None:
        """Make sure that we know all that the database holds, and all that a client has seen.

        Raises PyMongoError or TimeoutError if it does not answer.
        """
        async with asyncio.timeout(PATIENCE), self.lock:
            if seen > self.last:  # at another process, perhaps
                self.in_step = False
            await self._catch_up()

    async def page(self, before: int = NEWEST) -> list[Message]:
        """Return the newest messages before this id, oldest first."""
        found = self.collection.find({"n": {"$lt": before}}).sort("n", -1).limit(PAGE)
        return [to_message(document) for document in reversed(await found.to_list(None))]

    async def missed(self, after: int) -> list[Message]:
        """Return the first messages after this id that have been announced, oldest first."""
        found = self.collection.find({"n": {"$gt": after, "$lte": self.last}}).sort("n").limit(PAGE)
        return [to_message(document) for document in await found.to_list(None)]

    async def _store_in_turn(self, draft: Draft) -> None:
        async with self.lock:
            # Whoever comes first stores for all who wait; ours may not wait any more.
            if draft in self.waiting:
                await self._store_waiting()

    async def _store_waiting(self) -> None:
        """Store and announce all that waits; what cannot be stored stays without a message."""
        batch, self.waiting = self.waiting, []
        rest = batch
        deadline = time.monotonic() + PATIENCE
        try:
            while rest and time.monotonic() < deadline:
                await self._catch_up()
                before = len(rest), self.last
                await self._store(rest)
                # Left over is what stood behind one that was refused, or what another process
                # was faster to give a number to.
                rest = [draft for draft in rest if draft.message is None]
                if (len(rest), self.last) == before:
                    # Another process has our numbers; what it stored can be read in a moment.
                    await asyncio.sleep(0.02)
            if rest:
                log.error("%d messages were not stored: their numbers were taken", len(rest))
            await self._forget_oldest(len(batch))
        except PyMongoError as error:
            log.error("The database did not confirm: %s", error)
            self.waiting = []  # they would wait as long, and for the same answer

    async def _store(self, batch: list[Draft]) -> None:
        documents = [to_document(n, draft) for n, draft in enumerate(batch, self.last + 1)]
        self.in_step = False  # until the answer is here, anything may have happened
        try:
            await self.collection.insert_many(documents)  # up to the first that is refused
        except BulkWriteError as error:
            if not error.details["writeErrors"]:
                raise  # it is stored, but only by one server, and not by most
            # Some are there already, with a number of their own; or others have our numbers.
            ours = {"_id": {"$in": [draft.key for draft in batch]}}
            unknown = {"n": {"$gt": self.last}}
            documents = await self.collection.find({"$or": [ours, unknown]}).sort("n").to_list(None)
        stored = {document["_id"]: to_message(document) for document in documents}
        for draft in batch:
            draft.message = stored.get(draft.key)
            draft.new = draft.message is not None and draft.message.id > self.last
        for message in stored.values():
            self._announce(message)
        self.in_step = True

    async def _catch_up(self) -> None:
        if not self.in_step:
            await (self._find_end() if self.last < 0 else self._announce_unknown())
            self.in_step = True

    async def _find_end(self) -> None:
        """Learn how far the history goes."""
        # In memory the index is not unique: mongomock would read all documents at each insert.
        await self.collection.create_index("n", unique=self.keep is None)
        newest = await self.page()
        # A history in memory begins anew with each start; from the clock on, its ids grow.
        beginning = int(time.time() * 1000) if self.keep else 0
        self.last = newest[-1].id if newest else beginning

    async def _announce_unknown(self) -> None:
        """Announce what was stored though the answer was lost, as when the network fails."""
        unknown = self.collection.find({"n": {"$gt": self.last}}).sort("n")
        for document in await unknown.to_list(None):
            self._announce(to_message(document))

    def _announce(self, message: Message) -> None:
        if message.id > self.last:
            self.announce(message.event())
            self.last = message.id

    async def _forget_oldest(self, added: int) -> None:
        """Each time the ids pass a multiple of `keep`, forget all but the last `keep`."""
        if self.keep and self.last % self.keep < added:
            await self.collection.delete_many({"n": {"$lte": self.last - self.keep}})


def to_document(n: int, draft: Draft) -> Document:
    """Return a message as it is stored."""
    return {
        "_id": draft.key,  # so what is sent twice is stored once
        "n": n,  # the message's id: its place in the history
        "user": draft.user,
        "text": draft.text,
        "at": draft.at,
        "client_id": draft.client_id,
    }


def to_message(document: Document) -> Message:
    """Return the message that a document holds."""
    return Message(
        document["n"], document["user"], document["text"], document["at"], document["client_id"]
    )


MESSAGES = web.AppKey("messages", Messages)
