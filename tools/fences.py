"""Fences of the site that show the steps themselves: what changed, and a whole file.

mkdocs (and zensical) call these while they build a page, so that there is nothing to keep up to
date and no script to run in the reader's browser. mkdocs.yml names them.
"""

from collections.abc import Callable
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import DiffLexer, TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from pymdownx.superfences import SuperFencesException

from tools.code_page import anchor_of
from tools.diff import changes
from tools.problem import Problem
from tools.steps import find_step


def stepdiff(source: str, *_: Any, **__: Any) -> str:
    """Show what changes from one step to another, file by file; one step alone: from nothing."""
    return complain_as_fences_do(show_changes, source.split())


def stepfile(source: str, *_: Any, **__: Any) -> str:
    """Show a file of a step, with a link to each line: `05_database aiochat/app.py`."""
    return complain_as_fences_do(show_file, source.split())


def complain_as_fences_do(show: Callable[..., str], words: list[str]) -> str:
    """Call a function with a fence's words; any other error would only show the fence as text."""
    try:
        return show(*words)
    except (Problem, OSError, TypeError) as error:
        raise SuperFencesException(f"{' '.join(words)}: {error}") from error


def show_changes(*names: str) -> str:
    *old, new = [find_step(name).folder for name in names]
    lines = changes(old[0] if old else None, new)
    return "\n".join(show_patch(*patch) for patch in patches(list(lines)))


def patches(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Cut a patch into its files: what each is called, and what changes in it."""
    starts = [number for number, line in enumerate(lines) if line.startswith("diff --git ")]
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        name = lines[start].split(" b/")[-1]
        body = lines[start + 1 : end]
        if body[0].startswith("new file"):
            name += ", new"
        if body[0].startswith("deleted file"):
            name += ", deleted"
        first = next((n for n, line in enumerate(body) if line.startswith("@@")), len(body))
        found.append((name, body[first:]))
    return found


def show_patch(name: str, lines: list[str]) -> str:
    """Show the changes of one file; a new one has only additions, and needs no line numbers."""
    if name.endswith(", new"):
        lines = lines[1:]
    code = highlight("\n".join(lines), DiffLexer(), HtmlFormatter(nowrap=True))
    return box(name, code)


def show_file(name: str, path: str) -> str:
    step = find_step(name)
    text = (step.folder / path).read_text(encoding="utf-8")
    try:
        lexer = get_lexer_for_filename(path, stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    anchor = anchor_of(path)
    code = highlight(text, lexer, HtmlFormatter(nowrap=True))
    lines = "".join(
        f'<span id="{anchor}-{number}"><a class="line" href="#{anchor}-{number}" '
        f'data-line="{number}" aria-label="Line {number}"></a>{line}\n</span>'
        for number, line in enumerate(code.split("\n")[:-1], 1)
    )
    return box("", lines)


def box(name: str, code: str) -> str:
    title = f'<span class="filename">{name}</span>' if name else ""
    # What changed, and whole files, are no answer to a search: the chapters are.
    return f'<div class="highlight" data-search-exclude>{title}<pre><code>{code}</code></pre></div>'
