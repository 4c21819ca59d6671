"""Keep the chapters and the steps together: `python -m tools.weave [STEP…]`.

Reports, by chapter and line:

    stale       a listing that does not stand in the step's file, line for line
    ambiguous   one that stands there more than once
    unplaced    one of which the reader cannot tell where it goes: show a line that is there
    highlight   hl_lines that are not the lines that are new to the reader
    misfit      something to try, or a solution, that does not fit the reader's file
    given       a file that is copied, not typed, and that the page does not offer as it is
    count       not as many behaviours to check as there are tests
    source      a page of the step's whole code that does not list its files
    unshown     a change of the step that no listing shows

So the step before, with what the chapter shows typed in, is the step, byte for byte.
`--fix` writes hl_lines, sums, given files and pages of code, and takes into the listings, those of
the slides too, what was changed in the step since the last commit.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from difflib import SequenceMatcher
from fnmatch import fnmatch
from pathlib import Path

from tools.behaviours import count_behaviours
from tools.chapter import Attempt, Chapter, Listing, find, read_chapter
from tools.code_page import code_page
from tools.git import content_at
from tools.paths import ROOT
from tools.problem import Problem
from tools.replay import File, Project
from tools.steps import ALL, find_step, match_step, step_before

# What nobody should have to type: the page offers it as a file.
GIVEN = ("*.css", "*.svg", "*/common_passwords.txt")


# What `check` says when everything works.
SUM = re.compile(r"^All (\d+) work\.", re.MULTILINE)


class Weave:
    """One chapter and the two steps that it lies between."""

    def __init__(self, docs: Path, name: str, step: Path, before: Path | None) -> None:
        self.docs, self.name, self.step = docs, name, step
        self.chapter: Chapter = read_chapter(docs / f"{name}.md")
        slides = docs / "slides" / f"{name}.md"
        self.slides = read_chapter(slides) if slides.exists() else None
        self.project = Project(before, step)

    # --- checking ------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """Read the chapter as its reader does, and return what is wrong with it."""
        parts = [*self.read_parts(), *self.check_given(), *self.check_whole()]
        pages = [*self.check_count(), *self.check_source(), *self.check_slides()]
        return [*parts, *self.check_solutions(), *pages]

    def read_parts(self) -> Iterator[str]:
        for part in self.chapter.parts:
            if isinstance(part, Listing):
                yield from self.read_listing(part)
            elif isinstance(part, Attempt):
                yield from self.read_attempt(part)

    def read_listing(self, listing: Listing) -> Iterator[str]:
        """Type a listing in; yield what is wrong with it."""
        file = self.project.files.get(listing.path, File([], []))
        new: set[int] = set()
        filled: set[int] = set()
        file.drop(listing.dropped)
        above: range | None = None
        for chunk in listing.chunks():
            place = f"{self.chapter.path.name}:{listing.line + 1 + chunk.offset}"
            found = find(chunk.lines, file.new)
            if len(found) != 1:
                kind = "ambiguous" if found else "stale"
                yield f"{place}: {kind}: {listing.path}: {chunk.lines[0].strip()!r}"
                continue
            rows = range(found[0], found[0] + len(chunk.lines))
            for offset, row in enumerate(rows, chunk.offset + 1):
                if file.new[row]:
                    filled.add(offset)
                    if not file.known(row):
                        new.add(offset)
            if not file.is_placed(rows, above):
                yield f"{place}: unplaced: {listing.path}: {chunk.lines[0].strip()!r}"
            file.show(rows)
            above = rows
        highlighted = "" if listing.is_diff or new == filled else spans(new)
        if highlighted != listing.highlighted:
            place = f"{self.chapter.path.name}:{listing.line}"
            yield f"{place}: highlight: hl_lines should be {highlighted!r}"
            listing.highlighted = highlighted

    def read_attempt(self, attempt: Attempt) -> Iterator[str]:
        lines = self.project.files[attempt.path].lines() if self.has(attempt.path) else []
        yield from self.check_fit(attempt, lines)

    def check_solutions(self) -> Iterator[str]:
        for changes in self.chapter.solutions.values():
            for change in changes:
                file = self.project.files.get(change.path, File([], []))
                yield from self.check_fit(change, file.new)

    def check_fit(self, change: Attempt, lines: list[str]) -> Iterator[str]:
        try:
            change.apply(lines)
        except ValueError as error:
            yield f"{self.chapter.path.name}:{change.line}: misfit: {change.path}: {error}"

    def has(self, path: str) -> bool:
        return path in self.project.files

    def given(self) -> list[str]:
        """Return the changed files of the step that are copied, not typed."""
        return [
            path
            for path in self.project.changed()
            if any(fnmatch(path, pattern) for pattern in GIVEN)
        ]

    def copy_of(self, path: str) -> Path:
        """Return where the site keeps a given file."""
        return self.docs / "files" / self.name / path

    def check_given(self) -> Iterator[str]:
        for path in self.given():
            copy = self.copy_of(path)
            link = f"]({copy.relative_to(self.docs).as_posix()})"
            if not copy.exists() or copy.read_bytes() != (self.step / path).read_bytes():
                yield f"{self.chapter.path.name}: given: {path}: the copy in docs/files differs"
            if link not in self.chapter.text:
                yield f"{self.chapter.path.name}: given: {path}: the page has no link {link}"

    def check_whole(self) -> Iterator[str]:
        """Compare what the reader has at the end with the step."""
        given = self.given()
        for path in self.project.changed():
            file = self.project.files[path]
            if path in given:
                continue
            if path in self.project.removed:
                if f"Delete `{path}`" not in self.chapter.text:
                    yield f"{self.chapter.path.name}: unshown: {path}: it is deleted"
                continue
            have = file.lines()
            for kind, i, j, a, b in SequenceMatcher(None, have, file.new, False).get_opcodes():
                if kind != "equal":
                    line = next(filter(None, [*file.new[a:b], *have[i:j]]), "")
                    sign = "+" if a < b else "-"
                    yield f"{self.chapter.path.name}: unshown: {path}:{a + 1}: {sign}{line.strip()}"

    def check_count(self) -> Iterator[str]:
        """Compare what `check` says at the end with how much there is to check."""
        step = match_step(self.name)
        for found in SUM.finditer(self.chapter.text):
            if step and int(found[1]) != (count := count_behaviours(step)):
                yield f"{self.chapter.path.name}: count: all {count} work, not {found[1]}"

    @property
    def source(self) -> Path:
        """The page with all of the step's code."""
        return self.docs / "code" / f"{self.name}.md"

    def check_source(self) -> Iterator[str]:
        if not self.source.exists() or self.source.read_text("utf-8") != code_page(
            self.name, self.step
        ):
            yield f"{self.chapter.path.name}: source: docs/code/{self.name}.md is not up to date"

    def check_slides(self) -> Iterator[str]:
        """Compare the listings of the slides with the step; they need not show everything."""
        for listing in self.slides.listings if self.slides else []:
            file = self.project.files.get(listing.path, File([], []))
            for chunk in listing.chunks():
                if not find(chunk.lines, file.new):
                    line = listing.line + 1 + chunk.offset
                    place = f"slides/{self.name}.md:{line}"
                    yield f"{place}: stale: {listing.path}: {chunk.lines[0]!r}"

    # --- mending -------------------------------------------------------------------------------

    def fix(self) -> None:
        """Take into the chapter what was changed in the step, and write hl_lines.

        Raises Problem if it needs git, and cannot ask it.
        """
        chapters = [self.chapter, self.slides] if self.slides else [self.chapter]
        for chapter in chapters:
            for listing in chapter.listings:
                if not listing.is_diff and self.has(listing.path):
                    self.follow(listing)
        list(self.read_parts())
        for chapter in chapters:
            text = with_listings(chapter)
            if step := match_step(self.name):
                text = re.sub(SUM, f"All {count_behaviours(step)} work.", text)
            chapter.path.write_text(text, encoding="utf-8", newline="\n")
        self.source.parent.mkdir(exist_ok=True)
        self.source.write_text(code_page(self.name, self.step), encoding="utf-8", newline="\n")
        for path in self.given():
            self.copy_of(path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.step / path, self.copy_of(path))

    def follow(self, listing: Listing) -> None:
        """Find what became of the lines that a listing showed at the last commit."""
        file = self.project.files[listing.path]
        for chunk in reversed(list(listing.chunks())):
            if len(find(chunk.lines, file.new)) == 1:
                continue
            committed = self.committed(listing.path)
            then = find(chunk.lines, committed)
            if len(then) == 1:
                first = place_of_gap(then[0], committed, file.new)
                last = place_of_gap(then[0] + len(chunk.lines), committed, file.new)
                end = chunk.offset + len(chunk.lines)
                listing.lines[chunk.offset : end] = file.new[first:last]

    def committed(self, path: str) -> list[str]:
        """Return a file's lines as of the last commit; none if it was not there."""
        content = content_at("HEAD", self.step, path) or b""
        return content.decode().replace("\r\n", "\n").split("\n")[:-1]


def with_listings(chapter: Chapter) -> str:
    """Return the text of a chapter with its listings as they are now."""
    text = chapter.text
    for listing in reversed(chapter.listings):
        start, end = listing.span
        text = text[:start] + str(listing) + text[end:]
    return text


def place_of_gap(row: int, old: list[str], new: list[str]) -> int:
    """Return where the gap before a row of `old` is in `new`."""
    for kind, i, j, a, b in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if i <= row <= j:
            if kind == "equal":
                return a + row - i
            return a if row == i else b
    return len(new)


def spans(numbers: set[int]) -> str:
    """Return numbers as hl_lines wants them: 1, 2, 3, 5 is "1-3 5"."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def weaves(names: list[str]) -> list[Weave]:
    """Return the chapters of these steps; without any, of all."""
    steps = [find_step(name) for name in names] or list(ALL)
    found = []
    for step in steps:
        if not (ROOT / step.chapter).exists():
            raise Problem(f"There is no chapter {step.chapter}.")
        before = step_before(step)
        docs = ROOT / "docs"
        found.append(Weave(docs, step.name, step.folder, before.folder if before else None))
    return found


def main(arguments: list[str]) -> int:
    """Check or mend; return 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.weave",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("steps", nargs="*", metavar="STEP")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended")
    options = parser.parse_args(arguments)
    try:
        if options.fix:
            for weave in weaves(options.steps):
                weave.fix()
        wrong = [error for weave in weaves(options.steps) for error in weave.check()]
    except Problem as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    print("\n".join(wrong) or "The chapters show what the steps hold.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
