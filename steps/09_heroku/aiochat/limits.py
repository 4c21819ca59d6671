"""How often one person may do something, so that nobody spoils it for the others."""

from collections import deque
from math import ceil
from time import monotonic

from aiohttp import web

from .settings import SETTINGS, Settings

# With more keys than this, those that no longer matter are dropped.
MANY = 10_000


class Limit:
    """So many times in so many seconds, for each key."""

    def __init__(self, times: int, seconds: float) -> None:
        self.times = times
        self.seconds = seconds
        self.taken: dict[str, deque[float]] = {}

    def take(self, key: str) -> int:
        """Count one more time; return 0 or, beyond the limit, the seconds to wait."""
        now = monotonic()
        if len(self.taken) > MANY:
            self._drop(before=now - self.seconds)
        taken = self.taken.setdefault(key, deque(maxlen=self.times))
        if len(taken) == self.times and now - taken[0] < self.seconds:
            return ceil(taken[0] + self.seconds - now)
        taken.append(now)
        return 0

    def give_back(self, key: str) -> None:
        """Do not count the last time: it was none of those that are limited."""
        if self.taken.get(key):
            self.taken[key].pop()

    def _drop(self, before: float) -> None:
        self.taken = {key: times for key, times in self.taken.items() if times[-1] > before}


class Limits:
    """All that is limited."""

    def __init__(self, settings: Settings) -> None:
        self.messages = Limit(settings.messages_per_minute, 60)
        # Somebody who guesses one person's password, and somebody who tries one on everybody.
        self.passwords = Limit(settings.wrong_passwords_per_minute, 60)
        self.addresses = Limit(settings.wrong_passwords_per_minute * 10, 60)
        self.sockets = settings.sockets_per_person


LIMITS = web.AppKey("limits", Limits)


def too_many(reason: str, seconds: int) -> web.HTTPTooManyRequests:
    """Say why not, and when to try again."""
    return web.HTTPTooManyRequests(text=reason, headers={"Retry-After": str(seconds)})


def find_address(request: web.Request) -> str:
    """Return the address of whoever calls.

    A proxy adds it to X-Forwarded-For, at the end: what stands before that, anybody can
    have written.
    """
    forwarded = request.headers.getall("X-Forwarded-For", [])
    if forwarded and request.app[SETTINGS].trust_proxy:
        return forwarded[-1].rpartition(",")[2].strip()
    return request.remote or ""
