"""What the reader of a chapter has in front of them, after each listing.

A file of the step before, plus what the chapter has shown of it so far.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path

from tools.diff import project_files

ALIKE = 0.6  # how much a line resembles the one whose place it takes, from 0 to 1


class File:
    """One file that a chapter changes, and how much of the change has been shown."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        """Without lines stands for: no such file."""
        self.old, self.new = old, new
        self.changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        self.shown: set[int] = set()  # rows of `new`
        self.dropped: set[str] = set()  # lines of `old` that were shown as gone
        self.together: set[int] = set()  # rows that were shown with the row before them
        self.kept = {
            row for kind, _, _, a, b in self.changes if kind == "equal" for row in range(a, b)
        }

    def known(self, row: int) -> bool:
        """Whether the reader has this row of the new file already."""
        return row in self.kept or row in self.shown

    def is_placed(self, rows: range, after: range | None = None) -> bool:
        """Whether the reader can tell where these rows go.

        Next to a line that is there; next of all to rows that the same listing shows above, with
        nothing but what is still to come between them; at the end; or in the place of lines that
        are much alike.
        """
        filled = self.filled(rows)
        if any(self.known(row) for row in filled):
            return True
        if after and not any(map(self.known, self.filled(range(after.stop, rows.start)))):
            return True
        if not any(map(self.known, self.filled(range(rows.stop, len(self.new))))):
            return True
        return any(
            kind == "replace" and a <= rows.start and rows.stop <= b and self.replaces(i, j, a, b)
            for kind, i, j, a, b in self.changes
        )

    def filled(self, rows: range) -> list[int]:
        """Return the rows that are not blank."""
        return [row for row in rows if self.new[row]]

    def replaces(self, i: int, j: int, a: int, b: int) -> bool:
        """Whether new rows take the place of old ones, line by line, as anybody sees."""
        return j - i == b - a and all(
            SequenceMatcher(None, old, new).ratio() >= ALIKE
            for old, new in zip(self.old[i:j], self.new[a:b], strict=True)
        )

    def show(self, rows: range) -> None:
        """Learn that the reader has seen these rows, one after the other.

        Where the last of them ends a block that the first has opened, they have also seen that
        nothing else follows in it.
        """
        self.shown.update(rows)
        self.together.update(rows[1:])
        edge = indent(self.new[rows.start])
        is_block = any(indent(self.new[row]) > edge for row in self.filled(rows))
        after = self.next_filled(rows.stop, 1)
        if is_block and (after == len(self.new) or indent(self.new[after]) <= edge):
            self.together.update(range(rows.stop, after))

    def drop(self, lines: Iterable[str]) -> None:
        """Learn that the reader has been shown that these lines go."""
        self.dropped.update(line for line in lines if line)

    def lines(self) -> list[str]:
        """Return the file as the reader has it now."""
        found = []
        for kind, i, j, a, b in self.changes:
            if kind == "equal":
                found += self.new[a:b]
                continue
            if not self.is_gone(i, j, a, b):
                found += self.old[i:j]
            found += [self.new[row] for row in range(a, b) if self.is_there(row, a, b)]
        return found

    def is_gone(self, i: int, j: int, a: int, b: int) -> bool:
        """Whether the reader has been shown that old lines are no more.

        They were marked as dropped; or what stands before and after them was shown without
        them; or lines took their place that are much alike.
        """
        old = {line for line in self.old[i:j] if line}
        if old <= self.dropped:
            return True
        if self.replaces(i, j, a, b) and all(row in self.shown for row in self.filled(range(a, b))):
            return True
        return all(row in self.together for row in range(max(a, 1), min(b + 1, len(self.new))))

    def is_there(self, row: int, a: int, b: int) -> bool:
        """Whether the reader has a new row; a blank one comes with those around it."""
        if self.new[row]:
            return row in self.shown
        around = self.filled(range(a, b))
        return not around or any(
            near in self.shown for near in (self.next_filled(row, -1), self.next_filled(row, 1))
        )

    def next_filled(self, row: int, way: int) -> int:
        """Return the first row from here that is not blank, upwards (-1) or downwards (1)."""
        while 0 <= row < len(self.new) and not self.new[row]:
            row += way
        return row


def indent(line: str) -> int:
    """Return how many spaces a line begins with."""
    return len(line) - len(line.lstrip(" "))


class Project:
    """The reader's folder: the step before, and what this chapter has shown of its step."""

    def __init__(self, before: Path | None, step: Path) -> None:
        old = set(project_files(before)) if before else set()
        new = set(project_files(step))
        self.removed = old - new
        self.files = {
            path: File(read(before, path), read(step, path)) for path in sorted(old | new)
        }

    def changed(self) -> list[str]:
        """Return the paths of the files in which the two steps differ."""
        return [path for path, file in self.files.items() if file.old != file.new]


def read(folder: Path | None, path: str) -> list[str]:
    """Return the lines of a file; none if there is no such file."""
    file = folder / path if folder else None
    return file.read_text(encoding="utf-8").split("\n")[:-1] if file and file.is_file() else []
