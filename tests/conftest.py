"""Fixtures: a test that asks for `chat` runs at the steps at which it holds.

A test in `test_03_views.py` says what is true from step 03 on. It runs against steps 03 to 09
or, marked `until(5)`, 03 to 05: a long one at the first and the last of them only; and on a real
database at its own step (or 05) and the last. With --full, or steps chosen with --step, it runs
at all of them, on both stores.
"""

import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser
from yarl import URL

from tests.line import Line
from tests.people import LOGIN, Transcript, Visitor, needing, stretched
from tests.process import Process
from tools.check_start import load_create_app
from tools.chromium import MISSING, find_chromium, open_chromium, run_chromium
from tools.mongod import Mongod, find_mongod, free_port
from tools.paths import ROOT
from tools.steps import ALL, FIRST_WITH_DATABASE, Step, find_step

# With it, a chat makes its cookies.
SECRET_KEY = "a key for the tests, which need no secret"

# What step 09 limits, out of the way of tests that are about something else.
NO_LIMITS = {
    "MESSAGES_PER_MINUTE": "100000",
    "SOCKETS_PER_PERSON": "1000",
    "WRONG_PASSWORDS_PER_MINUTE": "1000",
}

# The files of tests that run whole chapters, steps or commands.
LONGEST = {"test_transcripts.py", "test_contract.py", "test_checker.py", "test_soak.py"}

TRANSCRIPT = pytest.StashKey[Transcript]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tutorial")
    group.addoption("--step", action="append", default=[], help="test only this step (repeatable)")
    group.addoption("--project", help="test the code in this folder instead of the step's own")
    group.addoption("--full", action="store_true", help="full figures in every step")
    group.addoption("--quick", action="store_true", help="on a database only what needs one")
    group.addoption("--exercise", type=int, help="test this exercise of a step instead (0: all)")
    group.addoption("--early", action="store_true", help="one step before it holds, too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "until(step): the last step at which this is so")
    config.addinivalue_line("markers", "exercise(number): of which exercise of the chapter")
    config.addinivalue_line("markers", "section(heading): where the chapter speaks of it")
    config.addinivalue_line("markers", "real_database: needs a MongoDB server")
    config.addinivalue_line("markers", "in_memory: needs no database, or is about having none")
    config.addinivalue_line("markers", "slow: takes several seconds")
    config.addinivalue_line("markers", "proves(what): it is about what other tests only need")


def pytest_xdist_auto_num_workers() -> int:
    """Say how many tests run at once: they wait more than they compute."""
    return min(2 * (os.cpu_count() or 1), 8)


def missing(what: str) -> NoReturn:
    """Skip a test that needs something this machine lacks; where all must run, fail."""
    if os.environ.get("TUTORIAL_NO_SKIP"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the summary say once, not at every test, what this machine lacks."""
    report = yield
    if report.when == "setup" and isinstance(report.longrepr, tuple):
        report.longrepr = (str(ROOT / "tests"), None, report.longrepr[2])  # type: ignore[assignment]
    return report


# --- which steps, which stores -------------------------------------------------------------


@dataclass(frozen=True)
class Variant:
    """A step together with the store it runs on."""

    step: Step
    store: str  # "memory", "mongod", or "" for a step that stores nothing

    def __str__(self) -> str:
        return "-".join(filter(None, (self.step.name, self.store)))


def first_step(path: Path) -> int | None:
    """Return the number of the step that a test file belongs to."""
    name = re.match(r"test_(\d\d)_", path.name)
    return int(name[1]) if name else None


def variants(metafunc: pytest.Metafunc, first: int) -> Iterator[Variant]:
    node = metafunc.definition
    until = node.get_closest_marker("until")
    last = until.args[0] if until else len(ALL)
    if node.get_closest_marker("exercise"):
        last = first
    wanted = [find_step(name) for name in metafunc.config.getoption("--step")] or ALL
    real_only = node.get_closest_marker("real_database") is not None
    memory_only = node.get_closest_marker("in_memory") is not None
    first -= metafunc.config.getoption("--early")
    for step in wanted:
        if not first <= step.number <= last:
            continue
        if not in_full(metafunc.config):
            if is_long(metafunc) and step.number not in {first, last}:
                continue
            if "browser" in metafunc.fixturenames and SAME_PAGES == step.number < last:
                continue
        if step.number < FIRST_WITH_DATABASE:
            yield Variant(step, "")
            continue
        if not real_only:
            yield Variant(step, "memory")
        if not with_database(metafunc.config, step, first, last):
            continue
        if real_only or not (memory_only or metafunc.config.getoption("--quick")):
            yield Variant(step, "mongod")


# The pages of this step are those of the next one, byte for byte: a browser looks at them there.
SAME_PAGES = 8


def with_database(config: pytest.Config, step: Step, first: int, last: int) -> bool:
    """Whether a step's test runs on a real database, too.

    All that a database can change comes with step 05, or with the test's own step; so these and
    the last one will do, unless steps were chosen, or everything was asked for.
    """
    return in_full(config) or step.number in {max(first, FIRST_WITH_DATABASE), last}


def is_long(metafunc: pytest.Metafunc) -> bool:
    """Whether a test takes seconds: it runs at its own step and at the last, not in between."""
    node = metafunc.definition
    return "browser" in metafunc.fixturenames or node.get_closest_marker("slow") is not None


def in_full(config: pytest.Config) -> bool:
    """Whether tests run in every step at which they hold, on every store."""
    return bool(config.getoption("--step") or config.getoption("--full"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    first = first_step(Path(metafunc.module.__file__ or ""))
    if "variant" in metafunc.fixturenames and first is not None:
        chosen = list(variants(metafunc, first))
        metafunc.parametrize("variant", chosen, ids=str, scope="function")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what holds at none of the steps that were asked for; begin with the longest.

    An exercise is tested only when it is asked for: no step solves it.
    """
    items.sort(key=lambda item: item.path.name not in LONGEST)
    exercise = config.getoption("--exercise")
    wanted = {exercise} if exercise != 0 else {1, 2, 3}
    chosen = [item for item in items if exercise_of(item) in wanted]
    if config.getoption("--step"):
        chosen = [item for item in chosen if isinstance(variant_of(item), Variant)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    # Of several workers each begins at a place of its own in the list: with long ones, all of them.
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = [item for first in range(workers) for item in chosen[first::workers]]


def exercise_of(item: pytest.Item) -> int | None:
    exercise = item.get_closest_marker("exercise")
    return exercise.args[0] if exercise else None


def variant_of(item: pytest.Item) -> object:
    return item.callspec.params.get("variant") if hasattr(item, "callspec") else None


# --- a chat to test ------------------------------------------------------------------------


# From step 05 on, whoever is not answered within so many seconds hears 503.
ANSWER_SECONDS = 2.5


class Chat:
    """A running chat, and the people who visit it."""

    def __init__(self, variant: Variant, folder: Path, transcript: Transcript) -> None:
        self.step = variant.step.number
        self.store = variant.store
        self.folder = folder
        self.transcript = transcript
        self.create_app = load_create_app(folder, variant.step)
        self.visitors = contextlib.AsyncExitStack()
        self.port = free_port()
        self.server: TestServer

    async def start(self, **options: Any) -> None:
        """Start the chat; the options are TestServer's."""
        self.be_patient(stretched(ANSWER_SECONDS))
        self.server = TestServer(self.create_app(), port=self.port, **options)
        await self.server.start_server(shutdown_timeout=1)

    def be_patient(self, seconds: float) -> None:
        """Give the chat so many seconds for an answer.

        On two cores that are busy with a dozen other things, hashing a password has taken longer
        than it gives itself, and a login that should be answered got a 503.
        """
        name = self.create_app.__module__.replace(".app", ".middlewares")
        middlewares: Any = sys.modules.get(name)
        if hasattr(middlewares, "PATIENCE"):
            middlewares.PATIENCE = seconds

    async def stop(self) -> None:
        await self.server.close()

    async def restart(self, **options: Any) -> None:
        """Stop the chat and start it again at the same address."""
        await self.stop()
        await self.start(**options)

    @property
    def url(self) -> URL:
        return self.server.make_url("/")

    async def stranger(self, name: str = "nobody") -> Visitor:
        """Somebody whom the chat does not know."""
        visitor = Visitor(self.url, name, self.step, self.transcript)
        return await self.visitors.enter_async_context(visitor)

    async def visitor(self, name: str) -> Visitor:
        """Somebody who is logged in, where the step has a login."""
        visitor = await self.stranger(name)
        if self.step >= 3:
            with needing(LOGIN):
                answer = await visitor.sign_up()
                assert answer.status == 303, f"{name} cannot log in"
                assert answer.location == "/", f"{name} cannot log in"
        return visitor


@pytest.fixture
def transcript(request: pytest.FixtureRequest) -> Transcript:
    """What was last sent and received in this test."""
    request.node.stash[TRANSCRIPT] = transcript = Transcript()
    return transcript


@pytest.fixture
def quick(request: pytest.FixtureRequest, variant: Variant) -> bool:
    """Whether the figures may be smaller: in the steps between the test's own and the last.

    Where steps were chosen, somebody waits, and they are smaller in all of them.
    """
    if request.config.getoption("--full"):
        return False
    between = variant.step.number not in {first_step(request.path), len(ALL)}
    return between or bool(request.config.getoption("--step"))


@pytest.fixture
def folder(request: pytest.FixtureRequest, variant: Variant) -> Path:
    """The project folder under test: the step's, or the learner's."""
    project = request.config.getoption("--project")
    return Path(project).absolute() if project else variant.step.folder


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A real database for all tests."""
    if find_mongod() is None:
        missing("no mongod: put one on PATH or, on Linux, run python3 tutorial.py install mongod")
    with Mongod(tmp_path_factory.mktemp("mongod")) as server:
        yield server


@pytest.fixture
def environment(
    request: pytest.FixtureRequest, variant: Variant, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """The environment of a chat: nothing of this machine's own, and the store's address."""
    for name in ("MONGO_URL", "PRODUCTION", "PORT", "TRUST_PROXY", "SESSION_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    settings = {"SECRET_KEY": SECRET_KEY} | NO_LIMITS
    if variant.store == "mongod":
        server: Mongod = request.getfixturevalue("mongod")
        database = f"test_{uuid4().hex}"
        settings["MONGO_URL"] = str(URL(server.url) / database)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    yield settings
    if variant.store == "mongod":
        with server.connect(patience_ms=5000) as client:
            client.drop_database(database)


@pytest.fixture
async def chat(
    variant: Variant, folder: Path, environment: dict[str, str], transcript: Transcript
) -> AsyncIterator[Chat]:
    """The chat of a step, running on a free port."""
    chat = Chat(variant, folder, transcript)
    await chat.start()
    async with chat.visitors:
        yield chat
    await chat.stop()


@pytest.fixture
async def line(
    chat: Chat, environment: dict[str, str], mongod: Mongod, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Line]:
    """The line to the database; the chat has been started again to use it."""
    with Line(URL(environment.get("MONGO_URL", mongod.url))) as line:
        monkeypatch.setenv("MONGO_URL", str(line.url))
        await chat.restart()
        yield line
        await chat.visitors.aclose()
        await chat.stop()


@pytest.fixture
async def ann(chat: Chat) -> Visitor:
    """Somebody who stays for all examples of a test."""
    return await chat.visitor("ann")


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    """A real browser for all tests."""
    program = find_chromium()
    if program is None:
        missing(MISSING)
    with run_chromium(program) as address:
        yield address


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A real browser in which nothing is open."""
    async with open_chromium(chromium) as browser:
        yield browser


@pytest.fixture
async def process(
    folder: Path, environment: dict[str, str], tmp_path: Path
) -> AsyncIterator[Process]:
    """The chat of a step in a process of its own."""
    async with Process(folder, tmp_path / "chat.log", **environment) as process:
        yield process
