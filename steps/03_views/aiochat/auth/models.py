"""People and their names."""

from unicodedata import normalize

COOKIE = "user"

MAX_NAME = 40  # characters


def check_name(name: object) -> str:
    """Return the name as it is kept.

    Raises ValueError, in words for the person, if nobody can be called that.
    """
    # One é may be one character or two; NFC makes the same name the same string.
    name = normalize("NFC", name).strip() if isinstance(name, str) else ""
    # isprintable() refuses control characters, and invisible ones, which make two names
    # look alike.
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise ValueError(f"A name has 1 to {MAX_NAME} characters, all of them visible.")
    return name
