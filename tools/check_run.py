"""What `check` runs in a process of its own: the tests, on a learner's folder."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Generator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from aiohttp import ClientError, ServerDisconnectedError, WSServerHandshakeError, web

from tests.conftest import TRANSCRIPT, first_step, load_create_app
from tests.people import Transcript, shorten
from tests.process import Process
from tools.own_error import OwnError, from_exception, from_log
from tools.paths import ROOT
from tools.steps import Step

LIMIT = 20  # seconds in which a test must end
AGAIN = 5  # seconds until the next try to end it
PATIENCE = "5"  # seconds until what should happen counts as not happening


@dataclass(frozen=True)
class Behaviour:
    """What one test function is about, and where it stands in the chapters."""

    name: str  # of the function
    file: str
    line: int
    chapter: int
    section: str
    text: str  # in the learner's words: the test's docstring
    proves: str  # what others only need, or nothing
    cases: int = 1

    @property
    def order(self) -> tuple[int, int]:
        return self.chapter, self.line


@dataclass(frozen=True)
class Failure:
    """Why a case does not work; empty where there is nothing to tell."""

    problem: str = ""
    sent: str = ""
    expected: str = ""
    received: str = ""
    answer: str = ""  # in full, where `received` is only a part of it
    case: str = ""
    needs: str = ""  # what it was about to get when it failed, if that is not what it is about
    own: OwnError | None = None


@dataclass(frozen=True)
class Result:
    """What came of one case of a behaviour."""

    name: str
    failure: Failure | None = None
    skipped: str = ""  # why it did not run


@dataclass(frozen=True)
class Plan:
    """All behaviours that will be tested, in this order."""

    behaviours: list[Behaviour]


@dataclass(frozen=True)
class Refusal:
    """Why the tests cannot begin."""

    reason: str
    own: OwnError | None


@dataclass(frozen=True)
class Stuck:
    """The end of the run: a test did not end, and those after it did not begin."""


class TookTooLongError(Exception):
    """It still runs, and while it does, nothing else can."""


def run_tests(pipe: "Connection[Any, Any]", step: Step, folder: Path, marks: str) -> None:
    """Run those of a step's tests that have these marks, and tell `pipe` what comes of them.

    It is told a Plan and its Results, and at the end None or Stuck; or nothing but a Refusal.
    """
    prepare(folder)
    if refusal := try_to_start(step, folder):
        pipe.send(refusal)
        return
    options = [f"--step={step.name}", f"--project={folder}", "--quick", "-m", marks]
    options += ["-p", "no:cacheprovider", "-W", "ignore", "--timeout=0", "--capture=no"]
    reporter = Reporter(pipe, folder)
    pytest.main([*options, *map(str, sorted((ROOT / "tests").glob("test_[0-9]*.py")))], [reporter])
    pipe.send(Stuck() if reporter.stuck else None)


def prepare(folder: Path) -> None:
    """Show nothing, leave nothing in the folder, and take nothing from this machine."""
    silence = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(silence, number)
    os.chdir(ROOT)
    sys.dont_write_bytecode = True
    for name in ("MONGO_URL", "PRODUCTION", "PYTEST_ADDOPTS"):
        os.environ.pop(name, None)
    os.environ |= {
        "PYTHONDONTWRITEBYTECODE": "1",
        "SECRET_KEY": "a key for the tests, which need no secret",
    }


# --- before the tests ----------------------------------------------------------------------


def try_to_start(step: Step, folder: Path) -> Refusal | None:
    """Load the learner's code and start the chat once; return why that cannot be done."""
    set_alarm(LIMIT)
    try:
        create_app = load_create_app(folder, step)
        app = create_app()
        if not isinstance(app, web.Application):
            return Refusal(f"create_app() returns {app!r}, but should return the app.", None)
        asyncio.run(start_and_stop(app))
    except (Exception, SystemExit) as error:
        return Refusal(why_not(error, folder), from_exception(error, folder))
    finally:
        set_alarm(0)
    return None


async def start_and_stop(app: web.Application) -> None:
    runner = web.AppRunner(app)
    try:
        await runner.setup()
    finally:
        await runner.cleanup()


def why_not(error: BaseException, folder: Path) -> str:
    """Say, in one sentence, why the code could not be loaded."""
    own = from_exception(error, folder)
    place = own.place if own else "aiochat"
    match error:
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] == "aiochat":
            return f"{place} imports {name}, but there is no such file in your folder."
        case ModuleNotFoundError(name=str(name)):
            return (
                f"{place} imports {name}, which is not installed here: correct its name, "
                "or do without it."
            )
        case ImportError():
            return f"{place} cannot import that: {error.msg.partition(' (')[0]}."
        case AttributeError(name="create_app") if own is None:
            return "aiochat/app.py has no function create_app() yet: the check begins with it."
        case TookTooLongError():
            return f"{place} still runs after {LIMIT} seconds, so the chat never starts."
        case SystemExit():
            return f"{place} ends the program: {error!r}."
    return str(own) if own else f"The chat does not start: {type(error).__name__}: {error}."


# --- the tests -----------------------------------------------------------------------------


class Reporter:
    """A pytest plugin that tells `check` what the learner should hear."""

    def __init__(self, pipe: "Connection[Any, Any]", folder: Path) -> None:
        self.pipe = pipe
        self.folder = folder
        self.compared: tuple[str, object, object] | None = None  # by the assertion that failed
        self.logged: OwnError | None = None  # the first in this test
        self.failure: Failure | None = None
        self.skipped = ""
        self.stuck = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        """Begin with what other tests need, and go on in the chapters' order."""
        first = {item: describe(item) for item in items}
        sections = list(dict.fromkeys((b.chapter, b.section) for b in first.values()))
        items.sort(
            key=lambda item: (
                not first[item].proves,
                sections.index((first[item].chapter, first[item].section)),
                first[item].order,
            )
        )
        cases: dict[str, int] = {}
        for item in items:
            cases[describe(item).name] = cases.get(describe(item).name, 0) + 1
        behaviours = dict.fromkeys(describe(item) for item in items)
        self.pipe.send(Plan([replace(b, cases=cases[b.name]) for b in behaviours]))

    def pytest_runtest_logstart(self) -> None:
        self.compared, self.logged, self.failure, self.skipped = None, None, None, ""
        set_alarm(LIMIT, self.notice)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed and call.excinfo and not self.failure:
            self.failure = self.explain(item, call.excinfo.value)
        elif report.skipped and call.excinfo:
            self.skipped = str(call.excinfo.value)
        return report
