"""The chapters show what the steps hold, and `tools.weave` notices when they do not."""

import re
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.folders import change, copy_of
from tools.behaviours import count_behaviours
from tools.chapter import read_chapter
from tools.code_page import code_page
from tools.paths import ROOT
from tools.problem import Problem
from tools.steps import ALL, Step, find_step
from tools.weave import Weave, weaves

OLD = """\
import os


def first():
    return 1


def last():
    return 3
"""

NEW = """\
import os
import sys


def first():
    value = 1
    return value


def second():
    return 2


def last():
    return 3
"""

CHAPTER = """\
# 2. Second

```python title="app.py" hl_lines="2"
import os
import sys
```

## The second

```python title="app.py" hl_lines="2-3 6"
def first():
    value = 1
    return value


def second():
    ...
def last():
```

```python title="app.py" hl_lines="2"
def second():
    return 2
```
"""

GIVEN = "Save [it](files/02_second/style.css).\n"


# --- the real ones -----------------------------------------------------------------------------


@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_a_chapter_shows_every_change_of_its_step(step: Step) -> None:
    assert weaves([step.name])[0].check() == []


@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_a_chapter_has_the_sections_that_check_sends_people_to(step: Step) -> None:
    tests = (ROOT / f"tests/test_{step.name}.py").read_text(encoding="utf-8")
    named = set(re.findall(r'mark\.section\("([^"]+)"\)', tests))
    text = read_chapter(ROOT / step.chapter).text
    found = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert named <= set(found)
    assert len(found) == len(set(found))
    assert found[-3:] == ["What you have", "Exercises", "Everything that changed"]


@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_a_chapter_begins_with_what_comes(step: Step) -> None:
    text = read_chapter(ROOT / step.chapter).text
    assert re.match(rf"# {step.number}\. \w+\n\n!!! abstract \"In this chapter\"\n", text)
    assert re.findall(r"^    - \*\*(.+?)\*\*", text, re.MULTILINE)[:4] == [
        "You will see",
        "Start from",
        "New",
        "Time",
    ]
    assert f"- **Time** about {step.minutes} minutes" in text


# --- what it notices ---------------------------------------------------------------------------


class Book:
    """A tutorial of two steps, and the chapter of the second."""

    def __init__(self, root: Path) -> None:
        self.docs = root / "docs"
        self.first, self.second = root / "steps" / "01_first", root / "steps" / "02_second"
        for folder in (self.docs, self.first, self.second):
            folder.mkdir(parents=True)
        self.write(self.first / "app.py", OLD)
        self.write(self.second / "app.py", NEW)
        self.write(self.chapter, CHAPTER)
        self.write_source()

    @property
    def chapter(self) -> Path:
        return self.docs / "02_second.md"

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")

    def write_source(self) -> None:
        self.write(self.docs / "code" / "02_second.md", code_page("02_second", self.second))

    def write_second(self, name: str, text: str) -> None:
        """Write another file of the second step, and the page that lists it."""
        self.write(self.second / name, text)
        self.write_source()

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        self.write(path, text.replace(old, new))

    def weave(self) -> Weave:
        return Weave(self.docs, "02_second", self.second, self.first)

    def check(self) -> list[str]:
        return self.weave().check()


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def test_nothing_is_wrong_with_a_chapter_that_shows_everything(book: Book) -> None:
    assert book.check() == []


def give_another(book: Book) -> None:
    book.write_second("style.css", "a { color: red; }\n")
    book.write(book.docs / "files/02_second/style.css", "a { color: blue; }\n")
    book.write(book.chapter, CHAPTER + GIVEN)


FAULTS: dict[str, tuple[Callable[[Book], None], str]] = {
    "a line of the step that was changed": (
        lambda book: book.edit(book.second / "app.py", "value = 1", "value = 10"),
        "02_second.md:11: stale: app.py: 'def first():'",
    ),
    "lines that could stand anywhere": (
        lambda book: book.write(
            book.chapter,
            CHAPTER.replace("def second():\n    ...\ndef last():\n", "").replace(
                "def second():\n    return 2", "    return 2"
            ),
        ),
        "unplaced: app.py: 'return 2'",
    ),
    "new lines that are not marked": (
        lambda book: book.edit(book.chapter, 'hl_lines="2-3 6"', 'hl_lines="2"'),
        "02_second.md:10: highlight: hl_lines should be '2-3 6'",
    ),
    "a line that no listing shows": (
        lambda book: book.edit(book.second / "app.py", "return 3", "return 4"),
        "unshown: app.py:15: +return 4",
    ),
    "a line that goes away without a word": (
        lambda book: book.edit(book.first / "app.py", "import os\n", "import os\nDEBUG = 1\n"),
        "unshown: app.py:2: -DEBUG = 1",
    ),
    "a new file that no listing shows": (
        lambda book: book.write_second("more.py", "more = 1\n"),
        "unshown: more.py:1: +more = 1",
    ),
    "a file that goes away without a word": (
        lambda book: book.write(book.first / "less.py", "less = 1\n"),
        "unshown: less.py: it is deleted",
    ),
    "something to try that does not fit": (
        lambda book: book.edit(
            book.chapter,
            "## The second\n",
            '## The second\n\n```diff title="app.py, for a moment"\n-nowhere\n+here\n```\n',
        ),
        "misfit: app.py: its lines stand there 0 times",
    ),
    "a solution that does not fit": (
        lambda book: book.write(
            book.chapter,
            CHAPTER
            + '\n    ```diff title="app.py, exercise 1"\n    -nowhere\n    +here\n    ```\n',
        ),
        "misfit: app.py: its lines stand there 0 times",
    ),
    "a given file without a link": (
        lambda book: book.write_second("style.css", "a { color: red; }\n"),
        "given: style.css: the page has no link ](files/02_second/style.css)",
    ),
    "a copy of a given file that is another": (
        give_another,
        "given: style.css: the copy in docs/files differs",
    ),
    "a page of code that lacks a file": (
        lambda book: book.write(book.docs / "code" / "02_second.md", "# Nothing\n"),
        "source: docs/code/02_second.md is not up to date",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_kind_of_fault_is_noticed_and_named(book: Book, fault: str) -> None:
    spoil, expected = FAULTS[fault]
    spoil(book)
    found = book.check()
    assert [error for error in found if expected in error], found


def test_lines_that_stand_in_two_places_are_ambiguous(book: Book) -> None:
    twice = "\n\ndef again():\n    return 3\n"
    book.write(book.second / "app.py", NEW + twice)
    book.write_source()
    book.write(book.chapter, CHAPTER + '\n```python title="app.py"\n    return 3\n```\n')
    assert "02_second.md:27: ambiguous: app.py: 'return 3'" in book.check()


def test_a_slide_that_shows_what_the_step_does_not_hold_is_stale(book: Book) -> None:
    slides = book.docs / "slides" / "02_second.md"
    book.write(slides, '# Second\n\n```python title="app.py"\n    value = 1\n```\n')
    assert book.check() == []
    book.edit(slides, "value = 1", "value = 2")
    assert book.check() == ["slides/02_second.md:4: stale: app.py: '    value = 2'"]


def test_a_chapter_says_how_many_behaviours_there_are_to_check(tmp_path: Path) -> None:
    step, before = find_step("2"), find_step("1")
    text = (ROOT / step.chapter).read_text(encoding="utf-8")
    count = count_behaviours(step)
    assert text.count(f"All {count} work.") == 1
    chapter = tmp_path / f"{step.name}.md"
    wrong = text.replace(f"All {count} work.", "All 1 work.")
    chapter.write_text(wrong, encoding="utf-8", newline="\n")
    found = Weave(tmp_path, step.name, step.folder, before.folder).check()
    assert f"02_routes.md: count: all {count} work, not 1" in found


def test_a_diff_shows_what_goes_away(book: Book) -> None:
    book.edit(book.second / "app.py", "import os\n", "")
    book.write_source()
    book.edit(
        book.chapter,
        '```python title="app.py" hl_lines="2"\nimport os\nimport sys\n',
        '```diff title="app.py"\n-import os\n+import sys\n',
    )
    assert book.check() == []


def test_a_change_of_the_real_step_is_reported_with_chapter_and_listing(tmp_path: Path) -> None:
    step = next(step for step in ALL if step.name == "04_middlewares")
    before = next(one for one, two in pairwise(ALL) if two == step)
    folder = copy_of(step, tmp_path / step.name)
    change(folder, "middlewares.py", "log.exception(", "log.error(")
    found = Weave(ROOT / "docs", step.name, folder, before.folder).check()
    assert [error for error in found if re.match(r"04_middlewares\.md:\d+: stale: aiochat/", error)]


# --- what it mends -----------------------------------------------------------------------------


def test_fix_follows_a_listing_through_an_edit_of_its_step(book: Book) -> None:
    if shutil.which("git") is None:
        missing("no git: install it to test how weave follows an edit")
    slides = book.docs / "slides" / "02_second.md"
    book.write(slides, '# Second\n\n```python title="app.py"\ndef second():\n    return 2\n```\n')
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "a commit"]):
        subprocess.run([*git, *command], cwd=book.docs.parent, check=True)
    book.edit(book.second / "app.py", "return 2", "two = 2\n    return two")
    assert book.check() != []
    book.weave().fix()
    assert book.check() == []
    assert "    two = 2\n    return two\n" in slides.read_text(encoding="utf-8")
    assert 'hl_lines="2-3"\ndef second():\n    two = 2\n    return two\n' in book.chapter.read_text(
        encoding="utf-8"
    )


def test_fix_says_that_it_needs_a_repository_to_follow_an_edit(book: Book) -> None:
    book.edit(book.second / "app.py", "return 2", "two = 2\n    return two")
    with pytest.raises(Problem, match="git"):
        book.weave().fix()


def test_fix_marks_new_lines_and_copies_what_is_given(book: Book) -> None:
    book.write(book.second / "style.css", "a { color: red; }\n")
    book.write(book.chapter, re.sub(r' hl_lines="[^"]*"', "", CHAPTER) + GIVEN)
    book.weave().fix()
    assert book.check() == []
    book.weave().fix()
    assert book.check() == []
