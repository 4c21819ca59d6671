"""What was said."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from aiohttp import web

from .hub import Event

MAX_TEXT = 4_000  # characters
PAGE = 50  # messages


@dataclass(frozen=True)
class Message:
    """Something that somebody said."""

    id: int
    user: str
    text: str
    at: datetime

    def event(self) -> Event:
        """Return the message as clients receive it."""
        return {
            "type": "message",
            "id": self.id,
            "user": self.user,
            "text": self.text,
            "at": self.at.isoformat(timespec="milliseconds"),
        }


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
    """The last messages, in memory."""

    def __init__(self, announce: Callable[[Event], None]) -> None:
        self.announce = announce
        self.ids = count(1)
        self.latest: deque[Message] = deque(maxlen=PAGE)

    def add(self, user: str, text: str) -> None:
        """Keep a message, then announce it."""
        message = Message(next(self.ids), user, text, datetime.now(UTC))
        self.latest.append(message)
        self.announce(message.event())

    def page(self) -> list[Message]:
        """Return the newest messages, oldest first."""
        return list(self.latest)


MESSAGES = web.AppKey("messages", Messages)
