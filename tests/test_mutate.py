"""`python -m tools.mutate`: its data fits the steps, and it says what no test notices."""

import ast
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from tools.mutate import TABLE, Trial, apply, main, number, plan, try_all
from tools.mutations import MUTATIONS, Mutation
from tools.paths import ROOT
from tools.problem import Problem
from tools.steps import find_step


def mutation(name: str) -> Mutation:
    [found] = [each for each in MUTATIONS if each.name == name]
    return found


# --- the data ----------------------------------------------------------------------------------


def test_every_mutation_fits_each_of_its_steps_and_leaves_code_that_python_can_read() -> None:
    for trial in plan(list(MUTATIONS), everywhere=True):
        changed = apply(trial)  # raises Problem when its text is not there exactly once
        if trial.mutation.file.endswith(".py"):
            compile(changed, trial.mutation.file, "exec")


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}


def test_every_mutation_names_tests_that_there_are_and_that_run_at_its_first_step() -> None:
    for each in MUTATIONS:
        file, _, name = each.test.partition("::")
        assert name in names_in(file), f"{each.name}: there is no {each.test}"
        assert int(file[5:7]) <= each.first, f"{each.name}: {each.test} is of a later step"


def test_no_two_mutations_are_the_same() -> None:
    assert [
        name for name, count in Counter(one.name for one in MUTATIONS).items() if count > 1
    ] == []
    changes = Counter((one.file, one.old, one.new) for one in MUTATIONS)
    assert [change for change, count in changes.items() if count > 1] == []


def test_the_table_in_the_repository_has_all_of_them_and_a_test_for_each() -> None:
    rows = TABLE.read_text(encoding="utf-8").splitlines()
    for each in MUTATIONS:
        [found] = [row for row in rows if row.startswith(f"| {number(each)} | {each.name} |")]
        assert f"| {each.promise} | {each.last:02} | `tests/test_" in found
    assert len([row for row in rows if "`tests/" in row]) == len(MUTATIONS)


# --- the run -----------------------------------------------------------------------------------


@pytest.mark.timeout(900)
def test_what_is_noticed_what_survives_and_what_breaks_all_is_told_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = find_step("4")
    taken_out = mutation("Referrer-Policy")
    renamed = replace(taken_out, name="a remark", new=f"{taken_out.old}    # a remark\n")
    broken = replace(taken_out, name="everything", new="    1 / 0: 0,\n")
    noticed, survives, breaks = try_all([Trial(one, step) for one in (taken_out, renamed, broken)])
    assert noticed.is_noticed
    assert noticed.failed == taken_out.test
    assert not survives.failed
    assert not survives.is_noticed
    assert breaks.is_broken
    assert not breaks.is_noticed
    printed = capsys.readouterr().out
    assert "noticed" in printed
    assert "SURVIVES" in printed
    assert "BROKEN" in printed


def test_a_text_that_is_not_there_is_refused_in_a_sentence() -> None:
    gone = replace(MUTATIONS[0], old="no such text")
    with pytest.raises(Problem, match=f"{gone.name}.*stands there 0 times"):
        try_all(plan([gone]))


def test_a_text_that_is_there_twice_is_refused_in_a_sentence() -> None:
    twice = replace(mutation("Referrer-Policy"), old="request")
    with pytest.raises(Problem, match=r"stand in aiochat/middlewares.py once"):
        try_all(plan([twice]))


def test_a_mutation_that_nobody_knows_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["the moon"]) == 2
    assert "the moon" in capsys.readouterr().err
