"""The exercises of chapter 9."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Chat
from tests.process import run

KEY = "0123456789abcdef" * 4

# Prints where the chat would have listened.
WHERE = """
import json, runpy, sys
from aiohttp import web
web.run_app = lambda app, **options: print(json.dumps([options["host"], options["port"]]))
sys.path.insert(0, "")
runpy.run_module("aiochat", run_name="__main__")
"""


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
@pytest.mark.in_memory
async def test_whoever_writes_too_fast_is_told_how_long_to_wait(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason for refusing a message says how many seconds to wait."""
    monkeypatch.setenv("MESSAGES_PER_MINUTE", "2")
    await chat.restart()
    ann = await chat.visitor("ann")
    socket = await ann.join()
    for text in ("one", "two", "three"):
        await socket.say(text)
    reason = (await socket.receive("error"))["reason"]
    seconds = re.search(r"wait (\d+) seconds", reason)
    assert seconds, f"no number of seconds in {reason!r}"
    assert 0 < int(seconds[1]) <= 60


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
@pytest.mark.in_memory
async def test_host_says_where_to_listen(folder: Path, environment: dict[str, str]) -> None:
    """HOST is where the chat listens, in production, too; without it all is as before."""

    async def where(**settings: str) -> str:
        ended = await run(folder, "-c", WHERE, **settings)
        assert ended.returncode == 0, ended.stderr
        return str(json.loads(ended.stdout)[0])

    assert await where(HOST="127.0.0.2") == "127.0.0.2"
    assert await where(HOST="127.0.0.1", PRODUCTION="1", SECRET_KEY=KEY) == "127.0.0.1"
    assert await where(PRODUCTION="1", SECRET_KEY=KEY) == "0.0.0.0"
    assert await where() == "127.0.0.1"
