"""Passwords: which will do, and what is kept of them."""

import os
from pathlib import Path
from unicodedata import normalize

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MIN_LENGTH, MAX_LENGTH = 8, 128  # characters

# What a guesser tries first. In earnest, use a list of thousands.
COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text("ascii").split())


def check_password(password: object, name: str) -> str:
    """Return the password as it is hashed.

    Raises ValueError, in words for the person, if it is too easy to guess. Length is
    what makes a password strong; a rule such as "one digit" would only annoy.
    """
    password = to_password(password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValueError(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if password.casefold() in COMMON | {to_password(name).casefold()}:
        raise ValueError("This password is among the first that anybody would try.")
    return password


def to_password(password: object) -> str:
    """Return one form for what different keyboards send for the same characters."""
    if not isinstance(password, str) or len(password) > 4 * MAX_LENGTH:
        return ""  # far too long: normalizing it could take seconds
    return normalize("NFKC", password)


def hash_password(password: str) -> str:
    """Return what is stored instead of the password.

    It takes some 15 ms and 19 MiB on purpose: so does each guess of somebody else.
    The figures are those of the OWASP Password Storage Cheat Sheet.
    """
    argon2 = Argon2id(salt=os.urandom(16), length=32, iterations=2, lanes=1, memory_cost=19 * 1024)
    return argon2.derive_phc_encoded(password.encode())


def verify_password(password: str, stored: str) -> bool:
    """Tell whether this is the password that was hashed; takes as long as hashing."""
    try:
        Argon2id.verify_phc_encoded(password.encode(), stored)
    except InvalidKey:
        return False
    return True
