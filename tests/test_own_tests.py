"""The page about tests of one's own: its tests pass, and fail when they should."""

from pathlib import Path

import pytest

from tests.folders import copy_of
from tests.nested import outcomes
from tools.chapter import Attempt, read_chapter
from tools.exercises import apply
from tools.paths import ROOT
from tools.steps import ALL

PAGE = read_chapter(ROOT / "docs" / "testing.md")

TALK = "test_bob_hears_what_ann_says"
STRANGER = "test_a_stranger_is_sent_to_the_login"
ADMIN = "test_nobody_is_called_admin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The finished chat, with the page's tests; a file's second listing goes on with it."""
    folder = copy_of(ALL[-1], tmp_path / "my-chat")
    for listing in PAGE.listings:
        path = folder / listing.path
        path.parent.mkdir(exist_ok=True)
        before = f"{path.read_text(encoding='utf-8')}\n\n" if path.exists() else ""
        text = "".join(f"{line}\n" for line in listing.lines)
        path.write_text(before + text, encoding="utf-8", newline="\n")
    return folder


def run(folder: Path) -> dict[str, set[str]]:
    return outcomes(folder, "-c", folder / "pytest.ini", folder / "tests")


def test_they_pass_and_the_last_one_has_something_to_ask_for(folder: Path) -> None:
    assert run(folder) == {STRANGER: {"passed"}, TALK: {"passed"}, ADMIN: {"failure"}}


def test_what_is_broken_fails_its_test_and_what_is_asked_for_is_given(folder: Path) -> None:
    apply([part for part in PAGE.parts if isinstance(part, Attempt)], folder)
    apply(PAGE.solutions[1], folder)
    assert run(folder) == {STRANGER: {"passed"}, TALK: {"failure"}, ADMIN: {"passed"}}
