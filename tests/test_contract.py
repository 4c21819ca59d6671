"""What holds for the tests of all steps: each is new at its step, and says what it is about."""

import ast
import os
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import SAME_PAGES, SECRET_KEY, Chat, Variant
from tests.nested import outcomes, run_pytest
from tests.people import Transcript
from tools.diff import project_files
from tools.paths import ROOT
from tools.steps import ALL, Step

TESTS = ROOT / "tests"
FILES = [TESTS / f"test_{step.name}.py" for step in ALL]
WITH_SOCKET = [step for step in ALL if step.has_socket]

# Where nothing is to be expected, one need not wait long for it.
IMPATIENT = {**os.environ, "TUTORIAL_PATIENCE": "0.3"}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("before", "step"), list(pairwise(ALL)), ids=lambda step: step.name)
def test_what_the_tests_of_a_step_say_is_not_so_before(
    before: Step, step: Step, tmp_path: Path
) -> None:
    options = ["--early", "--quick", f"--step={before.name}", "-p", "no:hypothesispytest"]
    tests = TESTS / f"test_{step.name}.py"
    found = outcomes(tmp_path, tests, *options, "-W", "ignore", environment=IMPATIENT)
    assert found
    assert [name for name, results in found.items() if results == {"passed"}] == []


def test_a_browser_misses_nothing_where_the_pages_are_those_of_the_next_step() -> None:
    before, after = (ALL[number - 1].folder for number in (SAME_PAGES, SAME_PAGES + 1))
    shown = [
        [path for path in project_files(folder) if "/static/" in path or "/templates/" in path]
        for folder in (before, after)
    ]
    assert shown[0] == shown[1]
    for path in shown[0]:
        assert (before / path).read_bytes() == (after / path).read_bytes()


def functions(path: Path) -> list[ast.AsyncFunctionDef | ast.FunctionDef]:
    """The tests that a file holds."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    kinds = ast.AsyncFunctionDef | ast.FunctionDef
    return [node for node in nodes if isinstance(node, kinds) and node.name.startswith("test_")]


def marks(function: ast.AsyncFunctionDef | ast.FunctionDef) -> list[str]:
    return [ast.unparse(decorator) for decorator in function.decorator_list]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_test_of_a_step_says_what_it_is_about_and_where_that_is_taught(path: Path) -> None:
    for function in functions(path):
        assert ast.get_docstring(function), function.name
        assert [mark for mark in marks(function) if "mark.section(" in mark], function.name


def test_no_two_tests_of_the_steps_have_the_same_name() -> None:
    names = [test.name for path in FILES for test in functions(path)]
    assert sorted(set(names)) == sorted(names)


def test_what_other_tests_need_is_proved_by_one() -> None:
    found = [mark for path in FILES for test in functions(path) for mark in marks(test)]
    proofs = [mark for mark in found if "mark.proves(" in mark]
    assert proofs == [
        f"pytest.mark.proves({need})"
        for need in ("START", "LOGIN", "SOCKET", "MESSAGES", "GOODBYES")
    ]


@pytest.mark.parametrize(
    ("one", "another"),
    [*((step, step) for step in WITH_SOCKET), *pairwise(WITH_SOCKET)],
    ids=lambda step: step.name,
)
async def test_two_chats_in_one_process_share_nothing(
    monkeypatch: pytest.MonkeyPatch, one: Step, another: Step
) -> None:
    monkeypatch.delenv("MONGO_URL", raising=False)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    chats = [Chat(Variant(step, "memory"), step.folder, Transcript()) for step in (one, another)]
    sockets = []
    for chat in chats:
        await chat.start()
        socket = await (await chat.visitor("ann")).connect()
        assert (await socket.receive())["users"] == ["ann"]
        sockets.append(socket)
    await sockets[0].say("in one")
    assert await sockets[0].texts(1) == ["in one"]
    await sockets[1].say("in the other")
    assert await sockets[1].texts(1) == ["in the other"]
    for chat in chats:
        await chat.visitors.aclose()
        await chat.stop()


def test_a_test_that_holds_at_no_chosen_step_is_left_out_and_not_skipped() -> None:
    output = run_pytest(FILES[0], "--step=2", "--collect-only", "-q").stdout
    assert "test_the_page_says_hello" not in output
    assert "test_ten_visitors_wait_no_longer_than_one" in output
    assert "skipped" not in output
