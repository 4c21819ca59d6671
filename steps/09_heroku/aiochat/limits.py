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
        self.used: dict[str, deque[float]] = {}  # the latest moments of each key

    def take(self, key: str) -> int:
        """Count one more time; return 0 or, beyond the limit, the seconds to wait."""
        now = monotonic()
        if len(self.used) > MANY:
            self._drop(before=now - self.seconds)
        moments = self.used.setdefault(key, deque(maxlen=self.times))
        if len(moments) == self.times and now - moments[0] < self.seconds:
            return ceil(moments[0] + self.seconds - now)
        moments.append(now)
        return 0

    def give_back(self, key: str) -> None:
        """Do not count the latest time after all."""
        if moments := self.used.get(key):
            moments.pop()

    def _drop(self, before: float) -> None:
        self.used = {
            key: moments for key, moments in self.used.items() if moments and moments[-1] > before
        }


class Limits:
    """All that is limited."""

    def __init__(self, settings: Settings) -> None:
        self.messages = Limit(settings.messages_per_minute, 60)
        # Whoever guesses one person's password; and whoever, from one address, tries one
        # password on everybody, or signs up in crowds.
        self.passwords = Limit(settings.wrong_passwords_per_minute, 60)
        self.addresses = Limit(settings.wrong_passwords_per_minute * 10, 60)
        self.max_sockets = settings.sockets_per_person

    def take_guess(self, address: str, name: str) -> int:
        """Count one more password for a name; return 0 or the seconds to wait."""
        guess = f"{address} {name}"
        # What one limit refuses must not use up the other: somebody who guesses at one name would
        # lock out all who share the address, and each made-up name would be remembered.
        wait = self.passwords.take(guess)
        if not wait and (wait := self.addresses.take(address)):
            self.passwords.give_back(guess)
        return wait

    def give_guess_back(self, address: str, name: str) -> None:
        """Do not count the latest password after all."""
        self.passwords.give_back(f"{address} {name}")
        self.addresses.give_back(address)


LIMITS = web.AppKey("limits", Limits)


def too_many(reason: str, seconds: int) -> web.HTTPTooManyRequests:
    """Say why not, and when to try again."""
    return web.HTTPTooManyRequests(text=reason, headers={"Retry-After": str(seconds)})


def find_address(request: web.Request) -> str:
    """Return the address of whoever calls.

    Our proxy appends it to X-Forwarded-For; whatever stands before that may be made up.
    """
    forwarded = request.headers.getall("X-Forwarded-For", [])
    if forwarded and request.app[SETTINGS].trust_proxy:
        return forwarded[-1].rpartition(",")[2].strip()
    return request.remote or ""
