"""The page about the move from Motor to PyMongo's own client: its solution is a chat that works."""

from pathlib import Path

import pytest

from tests.folders import copy_of
from tests.nested import run_pytest
from tools.chapter import read_chapter
from tools.exercises import apply
from tools.paths import ROOT
from tools.steps import ALL

PAGE = ROOT / "docs" / "pymongo_async.md"

# A few that see the difference, on both stores: they open, read, write, stop and start again.
TESTS = [
    "test_05_database.py::test_a_message_sent_again_is_stored_once",
    "test_05_database.py::test_the_history_survives_a_restart",
    "test_09_heroku.py::test_the_health_page_needs_no_login",
    "test_09_heroku.py::test_without_its_database_the_chat_is_not_well",
]


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """The finished chat, with what the page's solution changes."""
    folder = copy_of(ALL[-1], tmp_path / "moved")
    apply(read_chapter(PAGE).solutions[1], folder)
    return folder


def test_the_moved_chat_works_and_stops_without_a_warning(moved: Path) -> None:
    options = [f"--step={ALL[-1].name}", f"--project={moved}", "--quick"]
    done = run_pytest(*options, *(f"tests/{test}" for test in TESTS))
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_the_moved_chat_imports_no_motor(moved: Path) -> None:
    code = {path: path.read_text(encoding="utf-8") for path in moved.rglob("*.py")}
    assert [path for path, text in code.items() if "from motor" in text] == []
    assert "\nmotor=" not in (moved / "requirements.txt").read_text(encoding="utf-8")
