"""The terminals say what the chapters say, and `tools.transcripts` notices when they do not."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.people import stretched
from tests.process import posix
from tools.steps import ALL, Step
from tools.transcripts import follow, is_like
from tools.weave import Weave, weaves

pytestmark = posix


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_the_terminals_say_what_the_chapter_says(step: Step) -> None:
    if shutil.which("curl") is None:
        missing("no curl: install it to follow the chapters")
    assert follow(weaves([step.name])[0]) == []


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what does not come."""
    monkeypatch.setattr("tools.transcripts.PATIENCE", stretched(3.0))


LISTING = """\
print("Your name?", flush=True)
print(f"Hello, {input()}!", flush=True)
"""

# A command that runs on, as far as a terminal can know: it waits for what is typed.
COMMAND = "$ python3 tutorial.py python my-chat/hello.py\n"


def wrong(folder: Path, console: str) -> list[str]:
    """Follow a chapter with one listing and one console block; return what is not as it says."""
    docs, step = folder / "docs", folder / "step"
    for place in (docs, step):
        place.mkdir()
    page = f'```python title="hello.py"\n{LISTING}```\n\n```console\n{console}```\n'
    (step / "hello.py").write_text(LISTING, encoding="utf-8", newline="\n")
    (docs / "01_first.md").write_text(page, encoding="utf-8", newline="\n")
    return follow(Weave(docs, "01_first", step, None))


def test_what_is_typed_is_answered(tmp_path: Path) -> None:
    assert wrong(tmp_path, COMMAND + "Your name?\nann ⏎\nHello, ann!\n") == []


def test_dots_stand_for_any_text_and_any_lines(tmp_path: Path) -> None:
    assert wrong(tmp_path, COMMAND + "Your ...\nann ⏎\n...\n") == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("console", "expected"),
    [
        ("Your age?\nann ⏎\n...\n", "expected 'Your age?', found 'Your name?'"),
        ("Your name?\nann ⏎\n", "found 'Hello, ann!', too"),
        ("Your name?\nann ⏎\nHello, ann!\nBye!\n", "expected 'Bye!', found nothing more"),
        ("Your name?\n", "it does not end"),
    ],
)
def test_what_is_not_as_the_chapter_says_is_named(
    tmp_path: Path, console: str, expected: str
) -> None:
    found = wrong(tmp_path, COMMAND + console)
    assert len(found) == 1
    assert found[0].startswith("01_first.md:6: ")
    assert expected in found[0]


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("10:42 ann: Hello", "23:59 ann: Hello"),
        ("Ten answers in 1.0 s.", "Ten answers in 1.1 s."),
        ("Ten answers in 10 s.", "Ten answers in 12 s."),
        ("Date: Sat, 21 Nov 2026 10:42:07 GMT", "Date: Sun, 22 Nov 2026 23:59:00 GMT"),
    ],
)
def test_times_may_be_any(expected: str, found: str) -> None:
    assert is_like(expected, found)
    assert not is_like(expected, found + "!")


def test_a_second_is_not_ten() -> None:
    assert not is_like("Ten answers in 10 s.", "Ten answers in 1 s.")
    assert not is_like("Ten answers in 1 s.", "Ten answers in 10 s.")
