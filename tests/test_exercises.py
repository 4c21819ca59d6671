"""Each exercise is unsolved when one begins it, and solved by its solution."""

import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.chapter import read_chapter
from tools.exercises import apply
from tools.paths import ROOT
from tools.steps import ALL, Step

EXERCISES = [(step, n) for step in ALL for n in read_chapter(ROOT / step.chapter).solutions]


def outcomes(step: Step, exercise: int, project: Path, report: Path) -> dict[str, set[str]]:
    """Run an exercise's tests on a folder; return what comes of each one's cases."""
    tests = f"tests/exercises/test_{step.name}.py"
    options = [f"--step={step.name}", f"--exercise={exercise}", f"--project={project}", "--quick"]
    options += ["-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", tests, f"--junitxml={report}", *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    found: dict[str, set[str]] = defaultdict(set)
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.attrib["name"].partition("[")[0]
        found[name] |= {part.tag for part in case} & {"failure", "error", "skipped"} or {"passed"}
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("step", "exercise"), EXERCISES, ids=str)
def test_an_exercise_is_unsolved_at_its_start_and_solved_by_its_solution(
    step: Step, exercise: int, tmp_path: Path
) -> None:
    unsolved = outcomes(step, exercise, step.folder, tmp_path / "before.xml")
    assert {"failure"} in unsolved.values()
    folder = tmp_path / "solved"
    shutil.copytree(step.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    apply(read_chapter(ROOT / step.chapter).solutions[exercise], folder)
    solved = outcomes(step, exercise, folder, tmp_path / "after.xml")
    assert solved.keys() == unsolved.keys()
    assert set.union(*solved.values()) == {"passed"}, solved


@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_every_chapter_has_two_or_three_exercises(step: Step) -> None:
    assert sorted(read_chapter(ROOT / step.chapter).solutions) in ([1, 2], [1, 2, 3])
