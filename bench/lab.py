"""Where it is measured: servers are started, loaded and stopped, and what was seen is noted."""

import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from bench import machine
from bench.claims import rested_on
from bench.contenders import Contender
from bench.generator import Load, Seen
from bench.paths import HOME, LOG
from bench.results import Failure, Results, Run
from bench.server import Failed, Server
from bench.stats import marks
from tools.mongod import Mongod
from tools.problem import Problem

LOOK = 0.25  # seconds between two looks at a server that is under load

QUIET_PATIENCE = 5.0  # seconds to wait for a quiet machine before each run; --quick does not


@dataclass
class Lab:
    """One benchmark under way. Use it as a context manager: it may start a database."""

    results: Results
    quick: bool
    only: frozenset[str]  # the contenders that take part; empty: all
    say: Callable[[str], None]
    repetition: int = 0
    stack: ExitStack = field(default_factory=ExitStack, init=False)
    mongod: Mongod | None = field(default=None, init=False)
    absent: set[tuple[Contender, str]] = field(default_factory=set, init=False)
    databases: int = field(default=0, init=False)  # how many were named so far

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    # --- who takes part ----------------------------------------------------------------------

    def for_each(
        self,
        contenders: Iterable[Contender],
        measure: Callable[[Server], None],
        database: str = "",
    ) -> None:
        """Start one after the other, each with each of its event loops, and measure it.

        Who cannot be measured is noted, and the next one's turn comes. Without the name of a
        `database`, who needs one gets a new one each time.
        """
        for contender in contenders:
            for loop in self.loops(contender):
                started = False
                try:
                    settings = self.settings(contender, database)
                    with Server(contender, loop, LOG, settings) as server:
                        started = True
                        measure(server)
                except (Failed, psutil.Error, PyMongoError) as error:
                    if not started:
                        self.absent.add((contender, loop))  # it would not start later either
                    self.results.fail(Failure(contender.name, loop, str(error)))
                    self.say(f"{contender.name} {loop}: left out: {error}")

    def loops(self, contender: Contender) -> list[str]:
        """Return the event loops to measure a contender with; none if it is left out."""
        if not self.takes_part(contender):
            return []
        loops = contender.loops[:1] if self.quick else contender.loops
        return [loop for loop in loops if (contender, loop) not in self.absent]

    def takes_part(self, contender: Contender) -> bool:
        """Say whether to measure a contender in this repetition.

        Where claims are made, who has no part in them is measured in the first one only: all
        that there is takes an hour.
        """
        if self.only:
            return contender.name in self.only
        if self.quick:
            return contender.quick
        claimed = rested_on(self.results.benchmark)
        return self.repetition == 0 or not claimed or contender.name in claimed

    def settings(self, contender: Contender, database: str) -> dict[str, str]:
        """Return what a contender finds in its environment. Raises Failed."""
        if not contender.mongod:
            return {}
        try:
            url = self.mongo_url()
        except Problem as problem:
            raise Failed(str(problem)) from problem
        self.databases += 1
        return {"MONGO_URL": url + (database or f"bench{self.databases}")}

    # --- the database ------------------------------------------------------------------------

    def mongo_url(self) -> str:
        """Return the address of a database server, which runs from now on, beside the load.

        Raises Problem if there is none to run.
        """
        if self.mongod is None:
            HOME.mkdir(parents=True, exist_ok=True)
            folder = self.stack.enter_context(tempfile.TemporaryDirectory(dir=HOME))
            with machine.on_core(machine.LOAD):
                self.mongod = self.stack.enter_context(Mongod(Path(folder)))
        return self.mongod.url

    def database_client(self) -> MongoClient[dict[str, object]]:
        return MongoClient(self.mongo_url(), tz_aware=True)

    def helpers_seconds(self) -> float:
        """Return how long what helps the server has worked: that is no disturbance."""
        if self.mongod is None or self.mongod.process is None:
            return 0.0
        times = psutil.Process(self.mongod.process.pid).cpu_times()
        return float(times.user + times.system)

    # --- one run -----------------------------------------------------------------------------

    def chat(
        self,
        server: Server,
        seconds: float,
        *options: object,
        meanwhile: Callable[[], None] | None = None,
    ) -> Seen:
        """Let clients talk for so many seconds, and return what they saw. Raises Failed.

        `meanwhile` is called again and again until they are done.
        """
        all_options = (*server.contender.load, "--seconds", seconds, *options)
        return self.load("wsload", server, seconds, *all_options, meanwhile=meanwhile)

    def load(
        self,
        program: str,
        server: Server,
        seconds: float,
        *options: object,
        meanwhile: Callable[[], None] | None = None,
    ) -> Seen:
        """Load a server, and return what was seen, with its marks. Raises Failed."""
        machine.wait_until_quiet(0.0 if self.quick else QUIET_PATIENCE)
        began, busy = time.monotonic(), self.others(server)
        with Load(program, server, *options) as load:
            while meanwhile and load.process.poll() is None:
                meanwhile()
                time.sleep(LOOK)
            seen = load.result(seconds)
        others = (self.others(server) - busy) / (time.monotonic() - began)
        return assess(seen, others)

    def others(self, server: Server) -> float:
        """Return how long all else on this machine has worked."""
        ours = machine.own_seconds() + server.cpu_seconds() + self.helpers_seconds()
        return machine.busy_seconds() - ours

    def note(self, server: Server, case: str, seen: Seen | None = None, **figures: float) -> None:
        """Note what a run has found, and with what share of the cores."""
        seen = seen or {}
        shares = {name: round(seen[name], 3) for name in SHARES if name in seen}
        self.note_run(server.contender.name, server.loop, case, figures | shares, seen.get("marks"))

    def note_run(
        self,
        contender: str,
        loop: str,
        case: str,
        figures: dict[str, float],
        marks: list[str] | None = None,
    ) -> None:
        run = Run(contender, loop, case, self.repetition, figures, marks or [])
        self.results.runs.append(run)
        shown = ", ".join(f"{name} {value:,.4g}" for name, value in figures.items())
        self.say(" ".join(filter(None, (f"{contender} {loop} {case}: {shown}", *run.marks))))


SHARES = ("server_share", "kernel_share", "load_share", "others")


def assess(seen: Seen, others: float) -> Seen:
    """Add who was how busy, and what follows from it."""
    seen["others"] = max(0.0, others)
    if "server_cpu" in seen:
        seen["server_share"] = seen["server_cpu"] / seen["seconds"]
        seen["load_share"] = seen["load_cpu"] / seen["seconds"]
    shares = (seen.get("server_share", 0), seen.get("load_share", 0), others)
    seen["marks"] = marks(*shares, went_on=seen.get("went_on", True))
    return seen
