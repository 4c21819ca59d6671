"""What differs from one machine to the next; all of it comes from the environment."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

MIN_KEY_LENGTH = 32  # characters


class SettingsError(Exception):
    """The environment asks for something that cannot be; the message says what to set."""


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

    # Whether this is the real thing (1): reachable from outside, and over HTTPS only.
    production: bool = False

    # Whether a proxy in front of us tells us who calls (1). Without one, anybody could.
    trust_proxy: bool = False

    port: int = 8080

    # What one person, or one who guesses passwords, may do.
    messages_per_minute: int = 100
    sockets_per_person: int = 10
    wrong_passwords_per_minute: int = 5

    @classmethod
    def from_environ(cls) -> Self:
        """Read the settings that the environment names. Raises SettingsError."""
        given = os.environ
        production = given.get("PRODUCTION") == "1"
        if production and len(given.get("SECRET_KEY", "")) < MIN_KEY_LENGTH:
            raise SettingsError(
                f"Set SECRET_KEY to {MIN_KEY_LENGTH} or more random characters, such as "
                'those that python -c "import secrets; print(secrets.token_hex())" prints.'
            )
        return cls(
            mongo_url=given.get("MONGO_URL", cls.mongo_url),
            secret_key=given.get("SECRET_KEY") or secrets.token_hex(),
            session_seconds=number(given, "SESSION_SECONDS", cls.session_seconds),
            production=production,
            trust_proxy=given.get("TRUST_PROXY") == "1",
            port=number(given, "PORT", cls.port),
            messages_per_minute=number(given, "MESSAGES_PER_MINUTE", cls.messages_per_minute),
            sockets_per_person=number(given, "SOCKETS_PER_PERSON", cls.sockets_per_person),
            wrong_passwords_per_minute=number(
                given, "WRONG_PASSWORDS_PER_MINUTE", cls.wrong_passwords_per_minute
            ),
        )


def number(given: Mapping[str, str], name: str, default: int) -> int:
    """Return the whole number that is given under a name. Raises SettingsError."""
    text = given.get(name, str(default))
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise SettingsError(f"Set {name} to a whole number above 0; it is {text!r}.")
    return int(text)


SETTINGS = web.AppKey("settings", Settings)
