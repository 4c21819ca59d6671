"""`diff`: what changed from one project folder to another, as a patch."""

import difflib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.segment import Segment, Segments

# What tools and editors leave in a folder. The README is the one that `start` writes.
IGNORED = {"__pycache__", "venv", ".venv", ".env", ".git", ".idea", ".vscode", ".DS_Store"}
IGNORED |= {".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
IGNORED_AT_THE_TOP = {"README.md"}

STYLES = {"diff": "bold", "---": "bold", "+++": "bold", "@@": "cyan", "+": "green", "-": "red"}


def project_files(folder: Path) -> list[str]:
    """Return the paths of a project's own files, relative to its folder, with forward slashes."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    own = (path for path in paths if IGNORED.isdisjoint(path.parts))
    return sorted(path.as_posix() for path in own if str(path) not in IGNORED_AT_THE_TOP)


def changes(old: Path | None, new: Path) -> Iterator[str]:
    """Yield the lines of a patch that turns `old` into `new`; without `old`, from nothing."""
    old_files = set(project_files(old)) if old else set()
    new_files = set(project_files(new))
    for name in sorted(old_files | new_files):
        before = (old / name).read_bytes() if old and name in old_files else None
        after = (new / name).read_bytes() if name in new_files else None
        if before != after:
            yield from file_changes(name, before, after)


def file_changes(name: str, before: bytes | None, after: bytes | None) -> Iterator[str]:
    """Yield the lines of the patch for one file; None stands for a file that is not there."""
    header = [f"diff --git a/{name} b/{name}"]
    if before is None:
        header.append("new file mode 100644")
    if after is None:
        header.append("deleted file mode 100644")
    old_name = "/dev/null" if before is None else f"a/{name}"
    new_name = "/dev/null" if after is None else f"b/{name}"
    try:
        lines = difflib.unified_diff(text_lines(before), text_lines(after), old_name, new_name)
        body = [ended for line in lines for ended in mark_missing_end(line)]
    except UnicodeDecodeError:
        body = [f"Binary files {old_name} and {new_name} differ"]
    if body or len(header) > 1:
        yield from header
        yield from body


def text_lines(content: bytes | None) -> list[str]:
    """Return the lines of a file, each with its end; Windows line ends count as plain ones."""
    return list(StringIO((content or b"").decode("utf-8"), newline=None))


def mark_missing_end(line: str) -> list[str]:
    """Return a patch's line without its end, and, as patches do, a remark if it had none."""
    return [line[:-1]] if line.endswith("\n") else [line, "\\ No newline at end of file"]


def show_changes(old: Path | None, new: Path) -> None:
    """Print the changes, in colour where the terminal has it."""
    console = Console(highlight=False, soft_wrap=True)
    for line in changes(old, new):
        start = next((start for start in STYLES if line.startswith(start)), "")
        # Not a Text: that would turn tabs into spaces, and this is a patch.
        style = console.get_style(STYLES.get(start, ""))
        console.print(Segments([Segment(line, style)], new_lines=True))
