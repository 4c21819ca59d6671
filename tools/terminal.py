"""Lines from and to a terminal, while an event loop runs."""

import asyncio
import sys
import threading
from contextlib import suppress
from getpass import getpass

from tools.problem import Problem


def ask_password(name: str) -> str:
    """Ask for a password without showing it. Raises Problem when there is nobody to ask."""
    if not sys.stdin.isatty():
        raise Problem("This chat asks for a password: give one with --password.", 2)
    return getpass(f"Password of {name}: ")


def read_lines() -> asyncio.Queue[str | None]:
    """Return a queue of the input's lines, and None at its end.

    A thread reads them: the event loop cannot wait for a terminal on every system.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        # A file of its own: sys.stdin must not be in use when Python ends.
        # And where the loop has ended (RuntimeError), nobody waits for lines any more.
        with (
            suppress(RuntimeError),
            open(sys.stdin.fileno(), encoding="utf-8", errors="replace", closefd=False) as file,
        ):
            for line in file:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def clean(text: str) -> str:
    """Return a text that cannot move the cursor, hide or colour anything: one printable line."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)


def show(line: str) -> None:
    print(clean(line), flush=True)
