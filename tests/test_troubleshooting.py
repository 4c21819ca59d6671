"""The page that explains messages explains those that there are, word for word."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tools.paths import ROOT
from tools.steps import ALL

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")

# Whose sentences they are, and where these stand.
SOURCES = {
    "`tutorial.py` says": [ROOT / "tutorial.py", *sorted((ROOT / "tools").glob("*.py"))],
    "aiohttp says": sorted(Path(aiohttp.__file__).parent.glob("*.py")),
    "The chat says": sorted(ALL[-1].folder.rglob("*.py")),
}


def messages(heading: str) -> list[str]:
    """Return what the table under a heading explains."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]


def texts(paths: Iterable[Path]) -> str:
    """Return what stands in files, with strings that go on in the next line joined."""
    return "\n".join(
        re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8")) for path in paths
    )


@pytest.mark.parametrize("heading", SOURCES)
def test_what_we_explain_is_what_is_said(heading: str) -> None:
    source = texts(SOURCES[heading])
    found = messages(heading)
    assert found
    for message in found:
        if message in ANSWERS:
            continue
        name, _, said = message.partition("Error: ")  # RuntimeError: is not part of the text
        for part in (said or name).split("..."):
            assert part.strip() in source, message


# --- what is said by others ----------------------------------------------------------------

ANSWERS: dict[str, Callable[[], web.HTTPException]] = {
    "404: Not Found": web.HTTPNotFound,
    "405: Method Not Allowed": lambda: web.HTTPMethodNotAllowed("POST", ["GET"]),
}


def test_the_answers_are_those_of_aiohttp() -> None:
    for text, answer in ANSWERS.items():
        assert text in messages("aiohttp says")
        assert answer().text == text


# What Python is given, so that it says each of them.
FAULTS: dict[str, list[str | Path]] = {
    "ModuleNotFoundError: No module named 'aiochat'": ["-c", "import aiochat"],
    "ModuleNotFoundError: No module named 'aiohttp'": ["-S", "-c", "import aiohttp"],
    "ImportError: attempted relative import with no known parent package": [
        ALL[-1].folder / "aiochat" / "app.py"
    ],
    "ImportError: cannot import name ...": ["-c", "from json import nothing"],
    "IndentationError": ["-c", "if True:\nprint()"],
    "TabError": ["-c", "if True:\n\tprint()\n        print()"],
    "RuntimeWarning: coroutine '...' was never awaited": ["-c", "import asyncio; asyncio.sleep(0)"],
}


def test_every_message_of_python_is_tried() -> None:
    assert messages("Python says") == list(FAULTS)


@pytest.mark.parametrize("message", FAULTS)
def test_python_says_so(message: str, tmp_path: Path) -> None:
    command = [sys.executable, *FAULTS[message]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    for part in message.split("..."):
        assert part in done.stderr
