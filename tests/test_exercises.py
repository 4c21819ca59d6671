"""Each exercise is unsolved when one begins it, and solved by its solution."""

import re
from pathlib import Path

import pytest

from tests.folders import copy_of
from tests.nested import outcomes
from tools.chapter import read_chapter
from tools.exercises import apply
from tools.paths import ROOT
from tools.steps import ALL, Step

SOLUTIONS = {step: read_chapter(ROOT / step.chapter).solutions for step in ALL}

ALL_OF_THEM = 0  # for --exercise

# The tests of an exercise, as they stand in their file.
TEST = re.compile(r"@pytest\.mark\.exercise\((\d)\)\n(?:@.*\n)*async def (test_\w+)\(")


def file_of(step: Step) -> Path:
    return ROOT / "tests" / "exercises" / f"test_{step.name}.py"


def results(step: Step, exercise: int, project: Path, place: Path) -> dict[str, set[str]]:
    """Run an exercise's tests on a folder; return what comes of each one's cases."""
    options = [f"--step={step.name}", f"--exercise={exercise}", f"--project={project}", "--quick"]
    return outcomes(place, file_of(step), *options)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_the_exercises_of_a_chapter_are_unsolved_at_its_end(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTORIAL_PATIENCE", "2")  # much is waited for in vain
    unsolved = results(step, ALL_OF_THEM, step.folder, tmp_path)
    failing = set()
    for exercise, test in TEST.findall(file_of(step).read_text(encoding="utf-8")):
        if "failure" in unsolved.pop(test):
            failing.add(int(exercise))
    assert unsolved == {}
    assert failing == set(SOLUTIONS[step])


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("step", "exercise"), [(step, n) for step in ALL for n in SOLUTIONS[step]], ids=str
)
def test_an_exercise_is_solved_by_its_solution(step: Step, exercise: int, tmp_path: Path) -> None:
    folder = copy_of(step, tmp_path / "solved")
    apply(SOLUTIONS[step][exercise], folder)
    solved = results(step, exercise, folder, tmp_path)
    assert solved
    assert set.union(*solved.values()) == {"passed"}, solved


@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_every_chapter_has_two_or_three_exercises(step: Step) -> None:
    text = read_chapter(ROOT / step.chapter).text
    tasks = re.findall(r"^\*\*(\d)\. .+\*\*", text, re.MULTILINE)
    assert tasks in (["1", "2"], ["1", "2", "3"])
    assert text.count('??? question "A hint"') == len(tasks)
    assert text.count('??? success "') == len(tasks)
    assert {str(number) for number in SOLUTIONS[step]} <= set(tasks)
    assert SOLUTIONS[step]
