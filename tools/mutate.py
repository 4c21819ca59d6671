"""Take out each defence of the chat in turn, and see that a test misses it.

`python -m tools.mutate` does so in the last step that has the defence, and writes
docs/security/mutations.md; `--everywhere` takes every step that has it, and four times as long.
Numbers or words choose some of the mutations: `python -m tools.mutate 7 cookie`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns
from xml.etree import ElementTree

import psutil
import pytest

from tools.mutations import MUTATIONS, Mutation
from tools.paths import ROOT
from tools.problem import Problem
from tools.steps import ALL, FIRST_WITH_SOCKET, Step

TABLE = ROOT / "docs" / "security" / "mutations.md"

AT_ONCE = 2  # tests wait more than they compute, but browsers and databases want a core, too
TEST_SECONDS = 60  # until a test that hangs has failed
RUN_SECONDS = 600  # until a run of tests that does not end is ended

# What works without any one defence; where it does not, more was taken out than that.
STARTS = "test_01_hello.py::test_python_m_aiochat_starts_the_chat"
CHATS = "test_03_views.py::test_everybody_hears_a_message_and_who_said_it"

INTRODUCTION = """\
# What happens when a defence is missing

A defence that no test misses is not tested. So each of them is taken out in turn, in a copy of
the last step that has it, and a test is run that should notice. `python -m tools.mutate` does it
again and writes this page. Tests that are not named here may notice, too.

| | taken out | for the promise | step | noticed by |
|---|---|---|---|---|
"""


def main(arguments: list[str]) -> int:
    """Try the mutations that are asked for; return 0 if each is noticed, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("wanted", nargs="*", metavar="MUTATION", help="its number, or words")
    parser.add_argument("--everywhere", action="store_true", help="in every step that has it")
    options = parser.parse_args(arguments)
    try:
        results = try_all(plan(choose(options.wanted), options.everywhere))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    if not options.wanted and not options.everywhere:
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(INTRODUCTION + "".join(map(row, results)), encoding="utf-8", newline="\n")
    return sum_up(results)


# --- what to try -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """A mutation in one step."""

    mutation: Mutation
    step: Step

    def __str__(self) -> str:
        return f"{self.step.number:02}: {self.mutation.name}"


def number(mutation: Mutation) -> int:
    return MUTATIONS.index(mutation) + 1


def choose(wanted: list[str]) -> list[Mutation]:
    """Return the mutations with these numbers, or these words in their names; without any, all.

    Raises Problem for a number or words that no mutation has.
    """
    chosen = [mutation for text in wanted for mutation in find(text)]
    return [mutation for mutation in MUTATIONS if mutation in chosen or not wanted]


def find(text: str) -> list[Mutation]:
    found = [
        mutation
        for mutation in MUTATIONS
        if text == str(number(mutation)) or text.lower() in mutation.name.lower()
    ]
    if not found:
        raise Problem(
            f"No mutation has {text!r} in its name: tools/mutations.py holds "
            f"numbers 1 to {len(MUTATIONS)}.",
            2,
        )
    return found


def plan(mutations: list[Mutation], everywhere: bool = False) -> list[Trial]:
    """Put each mutation into the last of its steps or, everywhere, into all of them."""
    return [
        Trial(mutation, step)
        for mutation in mutations
        for step in ALL[(mutation.first if everywhere else mutation.last) - 1 : mutation.last]
    ]


def apply(trial: Trial) -> str:
    """Return the file's text without the defence. Raises Problem if the defence is not there."""
    mutation = trial.mutation
    path = trial.step.folder / mutation.file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if (count := text.count(mutation.old)) != 1:
        raise Problem(
            f"The mutation {mutation.name!r} does not fit {trial.step.name}: its old text must "
            f"stand in {mutation.file} once, and stands there {count} times."
        )
    return text.replace(mutation.old, mutation.new)


# --- trying it ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What came of a mutation in one step."""

    trial: Trial
    failed: str  # the first test that failed, or nothing
    seconds: float

    @property
    def is_noticed(self) -> bool:
        return bool(self.failed) and not self.is_broken

    @property
    def is_broken(self) -> bool:
        """Whether so little is left that any test fails."""
        return self.failed in (STARTS, CHATS)

    def __str__(self) -> str:
        if self.is_noticed:
            return f"noticed  {self.trial}"
        if self.is_broken:
            return f"BROKEN   {self.trial}. The chat does not work at all."
        return f"SURVIVES {self.trial}. Not noticed by {self.trial.mutation.test}."


def try_all(trials: list[Trial]) -> list[Result]:
    """Try the mutations, some at once, and print what comes of each.

    Raises Problem when one cannot be applied, or a test fails without any.
    """
    for trial in trials:
        apply(trial)
    runs = sorted({(trial.step.number, trial.mutation.on_both_stores) for trial in trials})
    results: list[Result] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            print(f"Running the tests of {len(trials)} trials with nothing taken out ...")
            for said in pool.map(lambda run: check_unchanged(trials, *run), runs):
                print(said, flush=True)
            for future in as_completed([pool.submit(try_one, trial) for trial in trials]):
                results.append(result := future.result())
                done = f"{len(results):>3}/{len(trials)}"
                print(f"{done} {result.seconds:4.0f} s  {result}", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return sorted(results, key=lambda result: trials.index(result.trial))


def check_unchanged(trials: list[Trial], step_number: int, on_both_stores: bool) -> str:
    """Run the tests of a step's trials on the step as it is; say how long it took.

    Raises Problem if one fails: it would not show anything.
    """
    step = ALL[step_number - 1]
    tests = [
        trial.mutation.test
        for trial in trials
        if trial.step == step and trial.mutation.on_both_stores == on_both_stores
    ]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_step(step, Path(folder))
        failed = first_failure(step, copy, list(dict.fromkeys(tests)), on_both_stores)
    if failed:
        raise Problem(f"{failed} fails at {step.name} though nothing is taken out.")
    return f"{step.name}: all pass, in {time.monotonic() - started:.0f} s"


def try_one(trial: Trial) -> Result:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_step(trial.step, Path(folder))
        (copy / trial.mutation.file).write_text(apply(trial), encoding="utf-8", newline="\n")
        tests, both = [trial.mutation.test], trial.mutation.on_both_stores
        failed = first_failure(trial.step, copy, tests, both)
    return Result(trial, failed, time.monotonic() - started)


def copy_step(step: Step, folder: Path) -> Path:
    return copytree(step.folder, folder / "copy", ignore=ignore_patterns("__pycache__"))


def first_failure(step: Step, project: Path, tests: list[str], on_both_stores: bool) -> str:
    """Return the first of the tests that fails on a project, as file::test, or nothing.

    Raises Problem if pytest does not find them.
    """
    report = project.with_name("report.xml")
    works = CHATS if step.number >= FIRST_WITH_SOCKET else STARTS
    options = [f"--step={step.name}", f"--project={project}", f"--junitxml={report}"]
    options += ["--exitfirst", "--quiet", f"--timeout={TEST_SECONDS}", "-p", "no:cacheprovider"]
    options += [] if on_both_stores else ["--quick"]
    paths = [f"tests/{test}" for test in [works, *tests]]
    code, output = run_pytest([*options, *paths], project.with_name("output.txt"))
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise Problem(f"pytest cannot run {', '.join(tests)} at {step.name}:\n{output}")
    return failure_in(report)


def run_pytest(arguments: list[str], log: Path) -> tuple[int, str]:
    """Run pytest in a process of its own; return its exit code and what it printed.

    Raises Problem if it does not come to an end.
    """
    # Where a database or a browser is missing, a test must not be skipped: it would not notice.
    environment = {**os.environ, "TUTORIAL_NO_SKIP": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            code = process.wait(RUN_SECONDS)
        except subprocess.TimeoutExpired:
            end(psutil.Process(process.pid))
            process.wait()
            raise Problem(f"After {RUN_SECONDS} s these still run: {' '.join(arguments)}") from None
    return code, log.read_text(encoding="utf-8", errors="replace")


def end(process: psutil.Process) -> None:
    """End a process and whatever it has started, such as a browser."""
    for child in [*process.children(recursive=True), process]:
        with suppress(psutil.NoSuchProcess):
            child.kill()


def failure_in(report: Path) -> str:
    """Return the first test that failed according to pytest's report, or nothing."""
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            file = case.attrib["classname"].rpartition(".")[2]
            return f"{file}.py::{case.attrib['name'].partition('[')[0]}"
    return ""


# --- what came of it ---------------------------------------------------------------------------


def row(result: Result) -> str:
    """Return a line of the table."""
    mutation, step = result.trial.mutation, result.trial.step
    by = f"`tests/{result.failed}`" if result.is_noticed else "**nothing**"
    cells = [str(number(mutation)), mutation.name, mutation.promise, f"{step.number:02}", by]
    return f"| {' | '.join(cells)} |\n"


def sum_up(results: list[Result]) -> int:
    """Print how many were noticed, and which were not; return the exit code."""
    bad = [result for result in results if not result.is_noticed]
    print(f"\n{len(results) - len(bad)} of {len(results)} were noticed.")
    for result in bad:
        print(f"  {result}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
