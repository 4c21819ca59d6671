"""Errors in a learner's own code: what happened, and in which of their lines."""

import linecache
import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tools.alarm import TookTooLongError
from tools.paths import ROOT

TESTS = ROOT / "tests"

TRACEBACK = "Traceback (most recent call last):"
PLACE = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)


@dataclass(frozen=True)
class OwnError:
    """What went wrong in a line of a learner's project."""

    file: str  # from the project's folder, with forward slashes
    line: int
    source: str  # the line itself
    what: str  # such as "KeyError: 'user'"

    @property
    def place(self) -> str:
        return f"{self.file}, line {self.line}"

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def from_exception(error: BaseException, folder: Path) -> OwnError | None:
    """Return the error as the folder's, or None if it did not come from there."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        place = (error.filename, error.lineno)
        return own_error(place, f"{type(error).__name__}: {error.msg}", folder)
    places = places_of(error.__traceback__)
    if not places or Path(places[-1][0]).is_relative_to(TESTS):
        return None
    what = str(error)
    if not isinstance(error, TookTooLongError):
        what = traceback.format_exception_only(error)[0].strip()
    return innermost(places, what, folder)


def from_log(text: str, folder: Path) -> OwnError | None:
    """Return the first error of the folder that a program has printed or logged."""
    for block in text.split(TRACEBACK)[1:]:
        places = [(place["file"], int(place["line"])) for place in PLACE.finditer(block)]
        outcome = re.search(r"^\w.*$", block, re.MULTILINE)
        error = innermost(places, outcome[0] if outcome else "an error", folder)
        if error:
            return error
    return None


def places_of(trace: TracebackType | None) -> list[tuple[str, int]]:
    """Return file and line of each frame, outermost first."""
    return [(frame.f_code.co_filename, line or 0) for frame, line in traceback.walk_tb(trace)]


def innermost(places: list[tuple[str, int]], what: str, folder: Path) -> OwnError | None:
    """Return the error at the last of these places that is in the folder."""
    errors = (own_error(place, what, folder) for place in reversed(places))
    return next((error for error in errors if error), None)


def own_error(place: tuple[str, int], what: str, folder: Path) -> OwnError | None:
    """Return the error at a place, or None if the place is not in the folder."""
    name, line = place
    path = Path(name).resolve()
    if not path.is_relative_to(folder.resolve()):
        return None
    source = linecache.getline(name, line).strip()
    return OwnError(path.relative_to(folder.resolve()).as_posix(), line, source, what)
