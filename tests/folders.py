"""Folders for tests to change: each is a copy."""

import shutil
from pathlib import Path

from tools.steps import Step


def copy_of(step: Step, folder: Path) -> Path:
    """Copy a step into a new folder, and return it."""
    shutil.copytree(step.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def change(folder: Path, name: str, old: str, new: str) -> int:
    """Replace a text that a file of the chat holds once; return the number of its line."""
    path = folder / "aiochat" / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")
    return text.partition(old)[0].count("\n") + 1
