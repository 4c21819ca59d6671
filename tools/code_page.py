"""The page of the site that shows the whole code of a step."""

import re
from pathlib import Path

from tools.diff import project_files


def code_page(name: str, folder: Path) -> str:
    """Return the page for the step of this name: each of its files, under a heading of its own."""
    number, _, word = name.partition("_")
    hidden = "---\nsearch:\n  exclude: true\n---\n"  # what one looks for is in the chapters
    title = f"# The code of step {int(number)}, {word}\n"
    origin = f"All files as [chapter {int(number)}](../{name}.md) leaves them.\n"
    files = [
        f"## `{path}` {{ #{anchor_of(path)} }}\n\n```stepfile\n{name} {path}\n```\n"
        for path in project_files(folder)
    ]
    return "\n".join([hidden, title, origin, *files])


def anchor_of(path: str) -> str:
    """Return the anchor of a file; that of a line has its number behind."""
    return re.sub(r"[\W_]+", "-", path).strip("-").lower()
