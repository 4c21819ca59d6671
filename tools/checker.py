"""`check`: what works in somebody's own folder, and what does not."""

import os
import signal
import time
import warnings
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tools.alarm import INTERVAL, PATIENT_RINGS, RINGS
from tools.check_list import CheckList
from tools.check_results import End, Failure, Plan, Refusal, Result
from tools.check_start import prepare, try_to_start
from tools.own_error import OwnError, from_exception
from tools.problem import Problem
from tools.steps import Step

# Seconds without a word after which a run counts as stuck: longer than the alarm waits.
SILENCE = INTERVAL * (PATIENT_RINGS + RINGS)
LAST_WORDS = 15  # seconds for a run to stop what it has started
PATIENCE = "5"  # seconds until what should happen counts as not happening

STUCK = Failure(problem="it does not end, and while it runs nothing else can")
DIED = Failure(problem="it ends the whole program, and the tests with it")


def check(step: Step, folder: Path, exercise: int | None = None) -> int:
    """Print what works in a folder at a step, or of its exercise; return 0 if all does, else 1.

    Raises Problem when there is nothing in the folder that can be tested.
    """
    refuse_what_cannot_run(folder)
    what = step.name if exercise is None else f"exercise {exercise} of {step.name}"
    print(f"Checking {folder} against {what}; change nothing there meanwhile ...", flush=True)
    # The tests on a real database wait for it most of the time; meanwhile the others run.
    marks = ["not real_database"] + ["real_database"] * step.has_database
    runs: list[Run] = []
    check_list = CheckList(step, exercise)
    try:
        for mark in marks:
            runs.append(Run(step, folder, mark, exercise))
        listen(runs, check_list)
    except KeyboardInterrupt:
        print(f"\nStopped: {len(check_list.printed)} of {len(check_list.behaviours)} are checked.")
        return 130
    finally:
        for run in runs:
            run.stop()
    return 0 if check_list.print_outcome() else 1


# --- before the tests ----------------------------------------------------------------------


def refuse_what_cannot_run(folder: Path) -> None:
    """Raise Problem if there is no chat in the folder, or one that Python cannot read."""
    if not (folder / "aiochat").is_dir():
        raise Problem(f"{folder} holds no chat: there is no folder named aiochat in it.")
    if not (folder / "aiochat" / "app.py").is_file():
        raise Problem(f"{folder} has no aiochat/app.py yet: begin with that file.")
    for path in sorted((folder / "aiochat").rglob("*.py")):
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(path.read_bytes(), path, "exec", dont_inherit=True)
        except SyntaxError as error:
            own = from_exception(error, folder)
            raise refusal(f"Python cannot read {own or path}.", own) from None


def refusal(reason: str, own: OwnError | None) -> Problem:
    """Return the problem, with the line in which it is."""
    return Problem(f"{reason}\n\n    {own.source}" if own and own.source else reason)


# --- the tests -----------------------------------------------------------------------------


class Run:
    """The tests with certain marks, in a process of their own."""

    def __init__(self, step: Step, folder: Path, marks: str, exercise: int | None) -> None:
        context = get_context("spawn")
        self.pipe, far_end = context.Pipe(duplex=False)
        self.process = context.Process(target=begin, args=(far_end, step, folder, marks, exercise))
        # A new process begins by not listening to Ctrl-C, until `prepare` says what it does then.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.process.start()
        signal.signal(signal.SIGINT, handler)
        far_end.close()
        self.plan: Plan | None = None
        self.last_word = time.monotonic()
        self.has_ended = False

    def receive(self) -> Any:
        """Return its next word, or DIED if there is none."""
        self.last_word = time.monotonic()
        try:
            return self.pipe.recv()
        except EOFError:
            return DIED

    @property
    def is_silent(self) -> bool:
        return time.monotonic() - self.last_word > SILENCE

    def stop(self) -> None:
        """End it; it may first stop what it has started."""
        if os.name == "posix":  # elsewhere that would not let it do anything
            self.process.terminate()
        self.process.join(LAST_WORDS)
        self.process.kill()
        self.process.join()


def begin(
    pipe: "Connection[Any, Any]", step: Step, folder: Path, marks: str, exercise: int | None
) -> None:
    """Run the tests, in this new process; tell `pipe` what comes of them."""
    prepare()
    if refusal := try_to_start(step, folder):
        pipe.send(refusal)
        return
    os.environ["TUTORIAL_PATIENCE"] = PATIENCE
    from tools.check_run import run_tests  # which reads that, and takes its time

    run_tests(pipe, step, folder, marks, exercise)


def listen(runs: list[Run], check_list: CheckList) -> None:
    """Take in what comes of the tests, and print what is certain, until all have ended.

    Raises Problem when they cannot begin.
    """
    while active := [run for run in runs if not run.has_ended]:
        ready = wait([run.pipe for run in active], timeout=1)
        for run in active:
            if run.pipe in ready:
                take_in(run.receive(), run, check_list)
            elif run.is_silent:
                take_in(STUCK, run, check_list)
        if all(run.plan for run in runs):
            check_list.print_what_is_certain()


def take_in(word: object, run: Run, check_list: CheckList) -> None:
    match word:
        case Refusal():
            raise refusal(word.reason, word.own)
        case Plan():
            run.plan = word
            check_list.add_plan(word)
        case Result():
            check_list.add_result(word)
        case Failure() if run.plan is None:
            raise Problem(f"The chat does not start: {word.problem}.")
        case _ if run.plan is None:
            raise Problem("The chat does not start.")
        case End():
            run.has_ended = True
            check_list.give_up(run.plan, None)
        case Failure():
            run.has_ended = True
            check_list.give_up(run.plan, word)
