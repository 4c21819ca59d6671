"""A chapter, as its reader goes through it: what to type, what to try, what the terminal says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A fence at the start of a line; those inside folded boxes are indented, and only talk.
FENCE = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]*)")?(?: hl_lines="(?P<new>[^"]*)")?\n'
    r"(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
HEADING = re.compile(r"^##+ ", re.MULTILINE)


# The solution of an exercise stands in a folded box.
SOLUTION = re.compile(
    r'^    ```(?P<language>\w+) title="(?P<path>[^"]*), exercise (?P<number>\d)"\n'
    r"(?P<body>.*?)^    ```$",
    re.MULTILINE | re.DOTALL,
)

# A line that stands for what is left out.
ELISION = re.compile(r" *\.\.\.")

FOR_A_MOMENT = ", for a moment"

COMMAND = "$ "


@dataclass
class Chunk:
    """Lines of a listing that follow each other in the file, too."""

    offset: int  # of its first line in the listing, from 0
    lines: list[str]


@dataclass
class Listing:
    """A piece of a file of the step; its reader types it."""

    language: str
    path: str  # from the project's folder
    highlighted: str  # which lines are new, such as "2-4 7"
    lines: list[str]
    line: int  # of the fence in the chapter, from 1
    span: tuple[int, int]  # of the fence in the chapter's text

    @property
    def is_diff(self) -> bool:
        """Whether lines begin with what is done to them, as in a patch."""
        return self.language == "diff"

    @property
    def dropped(self) -> list[str]:
        """The lines that a diff takes out."""
        return [line[1:] for line in self.lines if self.is_diff and line.startswith("-")]

    def chunks(self) -> Iterator[Chunk]:
        """Cut it where something is left out; what a diff drops was between two lines that stay."""
        found = Chunk(0, [])
        for offset, line in enumerate(self.lines):
            if ELISION.fullmatch(line):
                yield from trimmed(found)
                found = Chunk(offset + 1, [])
            elif not (self.is_diff and line.startswith("-")):
                found.lines.append(line[1:] if self.is_diff else line)
        yield from trimmed(found)

    def __str__(self) -> str:
        """Return its fence, as the chapter spells it."""
        new = f' hl_lines="{self.highlighted}"' if self.highlighted else ""
        return "\n".join([f'```{self.language} title="{self.path}"{new}', *self.lines, "```"])


def trimmed(chunk: Chunk) -> Iterator[Chunk]:
    """Yield a chunk without blank lines around it, unless nothing is left."""
    filled = [number for number, line in enumerate(chunk.lines) if line]
    if filled:
        first, last = filled[0], filled[-1]
        yield Chunk(chunk.offset + first, chunk.lines[first : last + 1])


@dataclass
class Attempt:
    """Something that the reader tries and, at the next heading, has put back."""

    path: str
    is_diff: bool  # whether the lines are a patch; if not, they are the whole file
    lines: list[str]
    line: int

    def apply(self, lines: list[str]) -> list[str]:
        """Return the file's lines as they are meanwhile; `...` parts two places of a patch.

        Raises ValueError for a place that is not there, or not clear.
        """
        if not self.is_diff:
            return self.lines
        patch = ["..." if line.strip() == "..." else line for line in [*self.lines, "..."]]
        while patch:
            end = patch.index("...")
            lines = replace(lines, patch[:end])
            patch = patch[end + 1 :]
        return lines


def replace(lines: list[str], block: list[str]) -> list[str]:
    """Return the lines with one place of a patch applied. Raises ValueError."""
    old = [line[1:] for line in block if not line.startswith("+")]
    new = [line[1:] for line in block if not line.startswith("-")]
    found = find(old, lines)
    if len(found) != 1:
        raise ValueError(f"its lines stand there {len(found)} times")
    return lines[: found[0]] + new + lines[found[0] + len(old) :]


def find(some: list[str], lines: list[str]) -> list[int]:
    """Return the rows at which some lines stand among others."""
    last = len(lines) - len(some)
    return [row for row in range(last + 1) if lines[row : row + len(some)] == some]


@dataclass
class PutBack:
    """A heading: whatever was tried is put back."""


@dataclass
class Session:
    """What one types in a terminal, and what it answers."""

    terminal: str  # its name, where there are several
    lines: list[str]
    line: int


Part = Listing | Attempt | PutBack | Session


@dataclass
class Chapter:
    """The parts of a chapter that a machine can check, in the order of the page."""

    path: Path
    text: str
    parts: list[Part]
    solutions: dict[int, list[Attempt]]  # by exercise

    @property
    def listings(self) -> list[Listing]:
        return [part for part in self.parts if isinstance(part, Listing)]


def read_chapter(path: Path) -> Chapter:
    """Read a chapter's file."""
    text = path.read_text(encoding="utf-8")
    found: list[tuple[int, Part]] = [
        (fence.start(), part) for fence in FENCE.finditer(text) if (part := read_fence(fence))
    ]
    fences = [fence.span() for fence in FENCE.finditer(text)]
    found += [
        (heading.start(), PutBack())
        for heading in HEADING.finditer(text)
        if not any(start < heading.start() < end for start, end in fences)
    ]
    found.sort(key=lambda place_and_part: place_and_part[0])
    return Chapter(path, text, [part for _, part in found], read_solutions(text))


def read_solutions(text: str) -> dict[int, list[Attempt]]:
    """Return what each exercise's solution changes in the step."""
    found: dict[int, list[Attempt]] = {}
    for fence in SOLUTION.finditer(text):
        lines = [line[4:] for line in fence["body"].split("\n")[:-1]]
        change = Attempt(fence["path"], fence["language"] == "diff", lines, line_of(fence))
        found.setdefault(int(fence["number"]), []).append(change)
    return found


def line_of(fence: re.Match[str]) -> int:
    """Return the line of the text in which a fence begins."""
    return fence.string.count("\n", 0, fence.start()) + 1


def read_fence(fence: re.Match[str]) -> Part | None:
    """Return what a fence is, or None for one that is only talk."""
    language, title = fence["language"], fence["title"] or ""
    lines = fence["body"].split("\n")[:-1]
    line = line_of(fence)
    if language == "console":
        return Session(title, lines, line)
    if title.endswith(FOR_A_MOMENT):
        return Attempt(title.removesuffix(FOR_A_MOMENT), language == "diff", lines, line)
    if title:
        return Listing(language, title, fence["new"] or "", lines, line, fence.span())
    return None
