"""What differs from one machine to the next; all of it comes from the environment."""

import os
import secrets
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web


@dataclass(frozen=True)
class Settings:
    """The settings, with values that suit your own machine."""

    # Where MongoDB is, such as mongodb://localhost/chat; nothing: keep all in memory.
    # It may hold a password, which is not for the log.
    mongo_url: str = field(default="", repr=False)

    # What encrypts the cookies; a new one signs everybody out.
    secret_key: str = field(default_factory=secrets.token_hex, repr=False)

    # How long a login lasts.
    session_seconds: int = 14 * 24 * 60 * 60

    # Whether this is the real thing (1): cookies then travel over HTTPS only.
    production: bool = False

    @classmethod
    def from_environ(cls) -> Self:
        """Read the settings that the environment names."""
        given = os.environ
        return cls(
            mongo_url=given.get("MONGO_URL", cls.mongo_url),
            secret_key=given.get("SECRET_KEY") or secrets.token_hex(),
            session_seconds=int(given.get("SESSION_SECONDS", cls.session_seconds)),
            production=given.get("PRODUCTION") == "1",
        )


SETTINGS = web.AppKey("settings", Settings)
