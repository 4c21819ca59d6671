"""The exercises of the chapters."""

from pathlib import Path

from tools.chapter import Attempt, read_chapter
from tools.paths import ROOT
from tools.problem import Problem
from tools.steps import Step


def find_exercise(step: Step, number: int) -> list[Attempt]:
    """Return what the solution of an exercise changes. Raises Problem if there is no such one."""
    solutions = read_chapter(ROOT / step.chapter).solutions
    if number not in solutions:
        numbers = ", ".join(map(str, sorted(solutions)))
        raise Problem(f"Chapter {step.number} has no exercise {number}, but {numbers}.", 2)
    return solutions[number]


def apply(changes: list[Attempt], folder: Path) -> None:
    """Write a solution into a folder that holds its step."""
    for change in changes:
        path = folder / change.path
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        text = "".join(f"{line}\n" for line in change.apply(lines))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
