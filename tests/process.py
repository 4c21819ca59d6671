"""A chat in a process of its own, for what a test cannot do to itself: signals, kills, logs."""

import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
import pytest
from yarl import URL

from tests.people import PATIENCE, START, Answer, needing, stretched, within
from tools.mongod import free_port

# `python -m aiochat`, but on a free port.
LAUNCH = """
import runpy, sys
from aiohttp import web
run_app, port = web.run_app, int(sys.argv.pop())
web.run_app = lambda app, **options: run_app(app, **options | {"port": port})
sys.path.insert(0, "")
runpy.run_module("aiochat", run_name="__main__", alter_sys=True)
"""

START_SECONDS = 30

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")

# What a process prints is UTF-8 on every system, so that we can read it.
IN_UTF_8 = {"PYTHONIOENCODING": "utf-8"}


async def run(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python in the step's folder, to its end; meanwhile the event loop moves on."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | IN_UTF_8 | environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=stretched(3 * PATIENCE),
        check=False,
    )


def memory_settings(folder: Path) -> dict[str, str]:
    """Return what a step's Procfile, if it has one, tells the C library about memory."""
    procfile = folder / "Procfile"
    text = procfile.read_text("utf-8") if procfile.exists() else ""
    return dict(re.findall(r"\b(MALLOC_\w+)=(\S+)", text))


class LoopWatch:
    """How long the event loop is kept from going round, by what runs on it.

    Measured in the loop's own processor time, in seconds: what other programs do at the
    same time does not count.
    """

    def __init__(self) -> None:
        self.rounds: list[float] = []

    async def watch(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            self.rounds.append(now - before)
            before = now

    def percentile(self, percent: int) -> float:
        """Return the time that so many percent of the rounds do not exceed."""
        return statistics.quantiles(self.rounds, n=100)[percent - 1]

    def __enter__(self) -> Self:
        self.task = asyncio.create_task(self.watch())
        return self

    def __exit__(self, *_: object) -> None:
        self.task.cancel()


async def least_work(ask: Callable[[], Awaitable[Answer]], status: int) -> float:
    """Return the processor time, in seconds, that this answer costs our thread: chat and client.

    The least of three, for Python may collect its garbage meanwhile.
    """
    spent = []
    for _ in range(3):
        before = time.thread_time()
        assert (await ask()).status == status
        spent.append(time.thread_time() - before)
    return min(spent)


class Process:
    """The chat of a folder, started as a person starts it."""

    def __init__(
        self, folder: Path, log: Path, command: Sequence[str] = (), **environment: str
    ) -> None:
        """`command` is what to start instead, with PORT in its environment."""
        self.command = command
        self.folder = folder
        self.log = log
        self.environment = environment
        self.port = free_port()
        self.process: asyncio.subprocess.Process

    @property
    def url(self) -> URL:
        return URL(f"http://127.0.0.1:{self.port}")

    async def start(self) -> None:
        """Start it and return when it accepts connections."""
        own = {"PYTHONUNBUFFERED": "1", "PORT": str(self.port)}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(self.command or (sys.executable, "-c", LAUNCH, str(self.port))),
                cwd=self.folder,
                env=os.environ | IN_UTF_8 | own | self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            await self.until_it_listens()
        except BaseException:  # Ctrl-C, too: nobody else would end the process
            await self.kill()
            raise

    async def until_it_listens(self) -> None:
        """Return when it accepts connections."""
        deadline = time.monotonic() + stretched(START_SECONDS)
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                assert self.process.returncode is None, f"it ended: {self.output()}"
                assert time.monotonic() < deadline, f"it does not start: {self.output()}"
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    @property
    def usage(self) -> psutil.Process:
        """What it uses of the machine: memory, files, time of the processor."""
        started = psutil.Process(self.process.pid)
        if sys.platform == "win32":  # there, the Python of a venv starts the real one
            return next(iter(started.children()), started)
        return started

    def cpu_seconds(self) -> float:
        """How long it has kept the processor busy: the same on a machine that does much else."""
        times = self.usage.cpu_times()
        return float(times.user + times.system)

    def handles(self) -> int:
        """How many files and connections it has open."""
        if sys.platform == "win32":
            return self.usage.num_handles()
        return self.usage.num_fds()

    def send(self, name: signal.Signals) -> None:
        self.process.send_signal(name)

    async def ended(self, seconds: float) -> int:
        """Return its exit code; it has so many seconds to end."""
        try:
            async with within(seconds):
                return await self.process.wait()
        except TimeoutError:
            raise AssertionError(f"it still runs after {seconds} s") from None

    async def kill(self) -> None:
        """End it, and whatever it has started, as a power cut would."""
        if self.process.returncode is None:
            children = psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            await self.process.wait()

    def output(self) -> str:
        """Everything it has printed and logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    async def __aenter__(self) -> Self:
        with needing(START):
            await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
