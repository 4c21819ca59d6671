"""What `check` runs in a process of its own: the tests, on a learner's folder."""

import logging
import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from tests import people
from tests.conftest import TRANSCRIPT, first_step
from tests.people import Transcript
from tests.process import Process
from tools.alarm import alarm
from tools.check_results import Behaviour, End, Failure, Plan, Refusal, Result
from tools.failures import Comparison, explain, show
from tools.own_error import OwnError, from_exception, from_log
from tools.paths import COMMAND, ROOT
from tools.steps import ALL, Step

IMPATIENCE = 2  # seconds of patience when what most tests need is missing


def run_tests(
    pipe: "Connection[Any, Any]", step: Step, folder: Path, marks: str, exercise: int | None
) -> None:
    """Run those of a step's or an exercise's tests that have these marks.

    `pipe` is told a Plan, Results and an End; or a Refusal.
    """
    if exercise is None:
        files = [str(ROOT / f"tests/test_{one.name}.py") for one in ALL[: step.number]]
    else:
        files = [str(ROOT / f"tests/exercises/test_{step.name}.py"), f"--exercise={exercise}"]
    options = [f"--step={step.name}", f"--project={folder}", "--quick", "-m", marks]
    options += ["-p", "no:cacheprovider", "-p", "no:timeout", "-W", "ignore", "--capture=no"]
    sys.dont_write_bytecode = False  # the learner's code is loaded; the tests may be kept compiled
    code = pytest.main([*options, *files], [Reporter(pipe, folder)])
    if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR):
        pipe.send(Refusal(f"The tests cannot run: {COMMAND} test {step.number} says why."))
    pipe.send(End())


class Reporter:
    """A pytest plugin that tells `check` what a learner wants to know."""

    def __init__(self, pipe: "Connection[Any, Any]", folder: Path) -> None:
        self.pipe = pipe
        self.folder = folder
        self.log = ErrorLog(folder)
        self.compared: Comparison | None = None  # by the assertion that has just failed
        self.failure: Failure | None = None
        self.skipped = ""
        self.lacking: set[str] = set()  # what tests need and do not get
        self.hopeless: dict[str, Failure] = {}  # those that met this, by name
        logging.getLogger().addHandler(self.log)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        """Begin with what other tests need, then go through the chapters."""
        found = [describe(item) for item in items]
        sections = list(dict.fromkeys((one.chapter, one.section) for one in found))

        def order(item: pytest.Function) -> tuple[bool, int]:
            one = describe(item)
            return not one.proves, sections.index((one.chapter, one.section))

        items.sort(key=order)
        cases = Counter(found)
        plan = dict.fromkeys(describe(item) for item in items)
        self.pipe.send(Plan(tuple(replace(one, cases=cases[one]) for one in plan)))

    def pytest_runtest_logstart(self) -> None:
        self.log.error = self.compared = self.failure = None
        self.skipped = ""
        alarm.set()

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        self.compared = Comparison(op, left, right)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.skipped and call.excinfo:
            self.skipped = str(call.excinfo.value)
        elif report.failed and call.excinfo and self.failure is None:
            transcript = item.stash.get(TRANSCRIPT, Transcript())
            failure = explain(call.excinfo.value, self.compared, transcript)
            own = self.own_error(item, call.excinfo.value)
            case = ", ".join(filter(None, (case_of(item), failure.case)))
            self.failure = replace(failure, case=case, own=own)
        if report.when == "teardown":
            self.tell(item)
        return report

    def pytest_runtest_logfinish(self) -> None:
        alarm.turn_off()

    def own_error(self, item: pytest.Function, error: BaseException) -> OwnError | None:
        """Return what has gone wrong in the learner's code during a test, if anything has."""
        own = self.log.error or from_exception(error, self.folder)
        process = item.funcargs.get("process")
        if own is None and isinstance(process, Process):
            own = from_log(process.output(), self.folder)
        return own or from_log(str(error), self.folder)

    def tell(self, item: pytest.Function) -> None:
        """Say what came of a test, and learn from it how to go on."""
        self.pipe.send(Result(item.originalname, self.failure, self.skipped))
        if self.failure is None:
            return
        if proves := describe(item).proves:
            self.lacking.add(proves)
            people.PATIENCE = IMPATIENCE  # much will be waited for in vain
        if self.failure.needs in self.lacking:
            self.hopeless[item.originalname] = self.failure

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Function) -> bool | None:
        """Leave out what has no prospects; return None to let a test begin."""
        failure = self.hopeless.get(item.originalname)
        if failure:
            self.pipe.send(Result(item.originalname, failure))
        return True if failure or alarm.has_struck else None


class ErrorLog(logging.Handler):
    """Keeps the first error of the learner's code that is logged."""

    def __init__(self, folder: Path) -> None:
        super().__init__(logging.ERROR)
        self.folder = folder
        self.error: OwnError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.error is None and record.exc_info and record.exc_info[1]:
            self.error = from_exception(record.exc_info[1], self.folder)


def describe(item: pytest.Function) -> Behaviour:
    """Say what a test is about."""
    section, proves = item.get_closest_marker("section"), item.get_closest_marker("proves")
    return Behaviour(
        name=item.originalname,
        file=item.path.relative_to(ROOT).as_posix(),
        line=item.function.__code__.co_firstlineno,
        chapter=first_step(item.path) or 0,
        section=section.args[0] if section else "",
        text=" ".join((item.function.__doc__ or item.originalname).split()),
        proves=proves.args[0] if proves else "",
        cases=0,
    )


def case_of(item: pytest.Function) -> str:
    """Say which case of its behaviour a test is, or nothing if there is but one."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    shown = {name: show(value) for name, value in parameters.items() if name != "variant"}
    return ", ".join(
        value if name == "case" else f"{name} {value}" for name, value in shown.items()
    )
