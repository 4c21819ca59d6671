"""What differs from one machine to the next; all of it comes from the environment."""

import os
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web


@dataclass(frozen=True)
class Settings:
    """The settings, with values that suit your own machine."""

    # Where MongoDB is, such as mongodb://localhost/chat; nothing: keep all in memory.
    # It may hold a password, which is not for the log.
    mongo_url: str = field(default="", repr=False)

    @classmethod
    def from_environ(cls) -> Self:
        """Read the settings that the environment names."""
        return cls(mongo_url=os.environ.get("MONGO_URL", ""))


SETTINGS = web.AppKey("settings", Settings)
