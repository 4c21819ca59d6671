"""`start`: a folder to begin a step's chapter in."""

import os
import re
import shutil
from pathlib import Path

from tools.diff import project_files
from tools.paths import COMMAND, ROOT
from tools.problem import Problem
from tools.steps import Step, step_before

README = """\
# Your own {step.name}

Here you write step {step.number} yourself: {step.title}.
{origin}

1. {source} and type it into this folder.
2. Run what you have, from the tutorial's folder: `{command} run {folder}`
3. Ask whether it is right: `{command} check {step.number} {folder}`

Stuck? See what is still different from the finished step: `{command} diff {folder} {step.number}`
"""


def start(step: Step, folder: Path) -> None:
    """Fill a new or empty folder with the code that a step's chapter begins with.

    Raises Problem, and changes nothing, when there is something in the way.
    """
    refuse_unless_new(folder)
    before = step_before(step)
    folder.mkdir(parents=True, exist_ok=True)
    for name in project_files(before.folder) if before else ["requirements.txt"]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile((before or step).folder / name, target)
    readme = README.format(
        step=step,
        origin=f"It holds the code of {before.name}." if before else "It begins with no code.",
        source=source_of(step, folder),
        command=COMMAND,
        folder=as_typed(folder),
    )
    (folder / "README.md").write_text(readme, encoding="utf-8", newline="\n")


def refuse_unless_new(folder: Path) -> None:
    """Raise Problem if something is in the way of a new folder."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise Problem(f"{folder} exists and is not an empty folder: choose another name.", 2)


def source_of(step: Step, folder: Path) -> str:
    """Say where one finds what there is to type."""
    chapter = ROOT / step.chapter
    if chapter.exists():
        return f"Read the chapter, [{step.chapter}]({from_folder(chapter, folder)}),"
    return f"See what this step changes, with `{COMMAND} diff {step.number}`,"


def as_typed(folder: Path) -> str:
    """Return a folder as one types it in the tutorial's own folder."""
    path = from_folder(folder, ROOT)
    return path if re.fullmatch(r"[\w./~-]+", path) else f'"{path}"'


def from_folder(path: Path, folder: Path) -> str:
    """Return the way from a folder to a path, or the whole path from another Windows drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.as_posix()
