"""Let two people chat while all kinds of nonsense come in: `python -m tools.soak [--minutes 10]`.

The chat of the last step, or of a folder, runs in a process of its own on a real database.
Afterwards nothing may have failed or been lost, and nothing may be left of whoever was there.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table
from yarl import URL

from tests.conftest import NO_LIMITS
from tests.people import Event, Socket, Transcript, Visitor, stretched
from tests.process import Process, memory_settings
from tools.mongod import Mongod, free_port
from tools.noise import Tally
from tools.paths import ROOT
from tools.problem import Problem
from tools.steps import ALL, find_folder

NOISY = 3  # processes that make noise
WARM_UP = 5.0  # seconds of noise, at most, before the first look at what the chat uses
PAUSE = 0.1  # seconds between two messages of one person
GOODBYE = "Goodbye!"
SETTLING = 30.0  # seconds until nothing is left of whoever has gone
REPORTS = 20  # lines that say how far it is

MORE_MEMORY = 50 * 1024 * 1024  # bytes that the chat may keep
FEW, MANY = 5, 1_000  # so many 503 are allowed, and one more in so many answers
MORE_FILES = 5  # descriptors, besides those of its clients and its database


def main(arguments: list[str]) -> int:
    """Return 0 if nothing was wrong, 1 if something was, 2 or more if there was no run."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="?", default=ALL[-1].name, help="the chat: step or folder")
    parser.add_argument("--minutes", type=float, default=10, help="how long; 10 if not given")
    parser.add_argument("--port", type=int, help="where the chat listens; any free port if not")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats a run")
    options = parser.parse_args(arguments)
    # Being told to stop is an interrupt, too: the chat and its database must end with us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        check_machine()
        folder, port = find_folder(options.folder), find_port(options.port)
        return asyncio.run(soak(folder, port, options.minutes * 60, options.seed))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return max(problem.exit_code, 2)
    except (AssertionError, aiohttp.ClientError, psutil.Error) as error:
        print(f"The chat has broken down: {error or type(error).__name__}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def check_machine() -> None:
    """Raise Problem where a process does not tell what it has open."""
    if not sys.platform.startswith("linux"):
        raise Problem("The soak run counts what /proc shows, and only Linux has that.")


def find_port(port: int | None) -> int:
    """Return the port that was asked for, or a free one. Raises Problem if it is taken."""
    if port is None:
        return free_port()
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except (OSError, OverflowError) as error:
        raise Problem(f"Port {port} cannot be used: choose another with --port.") from error
    return port


async def soak(folder: Path, port: int, seconds: float, seed: int) -> int:
    """Run the chat, let everybody at it, and say what came of it."""
    print(f"{folder.name} for {seconds / 60:g} min; --seed {seed} repeats it.", flush=True)
    with tempfile.TemporaryDirectory() as place, Mongod(Path(place) / "mongod") as mongod:
        settings = {
            "MONGO_URL": str(URL(mongod.url) / "chat"),
            "SECRET_KEY": "a key for the soak run, which needs no secret",
            **memory_settings(folder),
        }
        chat = Process(folder, Path(place) / "chat.log", **NO_LIMITS, **settings)
        chat.port = port
        async with chat:
            results = await watch(chat, mongod.port, seconds, seed)
            chat.send(signal.SIGTERM)
            results.exit_code = await chat.ended(SETTLING)
        results.read_log(chat.log)
    return results.show()


# --- what it uses ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Usage:
    """What the chat uses of the machine."""

    memory: int  # bytes
    clients: int  # connections
    files: int  # descriptors, without those of its clients and its database

    def __str__(self) -> str:
        return f"{self.memory / 2**20:.0f} MB, {self.clients} connections, {self.files} other files"


def usage(chat: Process, database: int) -> Usage:
    """Look at what the chat uses; `database` is the port of its server."""
    process = chat.usage
    connections = process.net_connections("tcp")
    clients = [one for one in connections if one.raddr and one.laddr.port == chat.port]
    stored = [one for one in connections if one.raddr and one.raddr.port == database]
    files = process.num_fds() - len(clients) - len(stored)
    return Usage(process.memory_info().rss, len(clients), files)


async def settled(chat: Process, database: int) -> Usage:
    """Look at it again until all clients are gone, or should be."""
    deadline = time.monotonic() + SETTLING
    while True:
        found = usage(chat, database)
        if not found.clients or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.1)


# --- who is there ------------------------------------------------------------------------------


class Person:
    """Somebody who talks all the while, and notes down what they hear of the two."""

    def __init__(self, name: str, socket: Socket) -> None:
        self.name = name
        self.socket = socket
        self.said: dict[str, float] = {}  # each text, and when
        self.heard: list[Event] = []
        self.waits: list[float] = []  # seconds until each of their own messages was there

    async def chat(self, others: set[str], stop: asyncio.Event) -> None:
        """Talk until the stop and listen until everybody has said goodbye."""
        listening = asyncio.create_task(self.listen(others))
        try:
            while not (stop.is_set() or listening.done()):
                await self.say(f"{self.name} {len(self.said)}")
                await asyncio.sleep(PAUSE)
            await self.say(GOODBYE)
            await listening
        finally:
            listening.cancel()
            with suppress(Exception):
                await self.socket.close()

    async def say(self, text: str) -> None:
        self.said[text] = time.monotonic()
        await self.socket.say(text)

    async def listen(self, others: set[str]) -> None:
        silent = set(others)
        while silent:
            event = await self.socket.receive("message")
            if event["user"] not in others:
                continue
            self.heard.append(event)
            if event["user"] == self.name:
                self.waits.append(time.monotonic() - self.said[event["text"]])
            if event["text"] == GOODBYE:
                silent.discard(event["user"])


class Noise:
    """The processes that make noise, for the length of a block."""

    def __init__(self, port: int, seed: str, seconds: float) -> None:
        self.arguments = [(str(port), f"noise {seed} {n}", f"{seed} {n}") for n in range(NOISY)]
        self.seconds = str(seconds)
        self.processes: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> "Noise":
        for arguments in self.arguments:
            command = [sys.executable, "-m", "tools.noise", *arguments, self.seconds]
            self.processes.append(
                await asyncio.create_subprocess_exec(
                    *command,
                    cwd=ROOT,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=os.name == "posix",  # Ctrl-C is for us, who end them
                )
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def end(self) -> Tally:
        """Wait for all of it, and return what came of it. Raises Problem if it broke off."""
        total = Tally()
        outputs = await asyncio.gather(*(process.communicate() for process in self.processes))
        if any(process.returncode for process in self.processes):
            raise Problem("The noise broke off: what it said stands above.")
        for output, _ in outputs:
            found = json.loads(output)
            total.answers += Counter(found["answers"])
            total.failures += found["failures"]
        return total


async def watch(chat: Process, database: int, seconds: float, seed: int) -> "Results":
    """Let everybody in, watch what the chat uses, and wait until nobody is left."""
    few = int(stretched(FEW))  # by the load of others: there is no noise of ours yet
    await warm_up(chat, seed, min(WARM_UP, seconds / 4))
    before = await settled(chat, database)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        people = []
        for name in ("ann", "bob"):
            visitor = Visitor(chat.url, name, ALL[-1].number, Transcript())
            await stack.enter_async_context(visitor)
            await visitor.sign_up()
            people.append(Person(name, await visitor.join()))
        noise = await stack.enter_async_context(Noise(chat.port, f"{seed}-1", seconds))
        names = {person.name for person in people}
        chats = [asyncio.create_task(person.chat(names, stop)) for person in people]
        progress = asyncio.create_task(report(chat, database, seconds, people))
        tally = await noise.end()
        progress.cancel()
        await asyncio.gather(progress, return_exceptions=True)
        stop.set()
        ends = await asyncio.gather(*chats, return_exceptions=True)
    after = await settled(chat, database)
    broken = [f"{one.name}: {end}" for one, end in zip(people, ends, strict=True) if end]
    return Results(before, after, tally, people, broken, few)


async def warm_up(chat: Process, seed: int, seconds: float) -> None:
    """Let the chat reach its size: above all, a thread that has hashed a password keeps 20 MB."""
    async with Visitor(chat.url, "early", ALL[-1].number, Transcript()) as visitor:
        await visitor.sign_up()
        for _ in range(20):
            await asyncio.gather(*(visitor.log_in() for _ in range(3)))
    async with Noise(chat.port, f"{seed}-0", seconds) as noise:
        await noise.end()


async def report(chat: Process, database: int, seconds: float, people: list[Person]) -> None:
    """Say now and then how far it is."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(seconds / REPORTS)
        passed = time.monotonic() - began
        heard = sum(len(person.heard) for person in people)
        uses = usage(chat, database)
        print(f"{passed:5.0f} s: {heard:,} messages heard; {uses}", flush=True)


# --- what came of it ---------------------------------------------------------------------------


@dataclass
class Results:
    """What was found, and whether it is what must be."""

    before: Usage
    after: Usage
    tally: Tally
    people: list[Person]
    broken: list[str]  # what went wrong for the people
    few: int  # how many 503 are allowed, however few answers there are
    exit_code: int | None = None
    tracebacks: Counter[str] = field(default_factory=Counter)  # by what they end with
    failed: list[str] = field(default_factory=list)  # lines about answers with 5xx but 503
    busy: list[str] = field(default_factory=list)  # lines about answers with 503

    def read_log(self, log: Path) -> None:
        """Look for what failed and was not seen from outside."""
        inside = False
        with log.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if found := re.search(r": (5\d\d) in [\d.]+ ms$", line):
                    (self.busy if found[1] == "503" else self.failed).append(line.strip())
                if line.startswith("Traceback"):
                    inside = True
                elif inside and not line.startswith(" "):
                    self.tracebacks[line.strip()[:200]] += 1
                    inside = False

    def missed(self) -> list[str]:
        """Say what the two missed, or heard twice, or in another order."""
        found = list(self.broken)
        for person in self.people:
            ids = [event["id"] for event in person.heard]
            if ids != sorted(set(ids)):
                found.append(f"{person.name} heard messages twice or out of order")
            for speaker in self.people:
                heard = [one["text"] for one in person.heard if one["user"] == speaker.name]
                if heard != list(speaker.said):
                    found.append(
                        f"{person.name} heard {len(heard):,} of {speaker.name}'s "
                        f"{len(speaker.said):,} messages, or not in order"
                    )
        return found

    def show(self) -> int:
        """Print the table, and what is wrong; return the exit code."""
        missed = self.missed()
        failures = max(self.tally.answers["5xx"], len(self.failed))
        busy = self.few + self.tally.answers.total() // MANY
        tracebacks = sum(self.tracebacks.values())
        more = self.after.memory - self.before.memory
        files = self.after.files - self.before.files
        said = sum(len(person.said) for person in self.people)
        waits = [wait * 1000 for person in self.people for wait in person.waits] or [0.0]
        answers = ", ".join(
            f"{count:,} {kind}" for kind, count in sorted(self.tally.answers.items())
        )
        rows = [
            ("what the noise got", answers, "", True),
            ("messages of the two", f"{said:,}", "each once, in order, on both", not missed),
            ("until one's own is there", milliseconds(waits), "", True),
            ("answers with 5xx", f"{failures:,}", "0", failures == 0),
            ("503: too busy", f"{len(self.busy):,}", f"{busy:,}", len(self.busy) <= busy),
            ("tracebacks in the log", f"{tracebacks:,}", "0", tracebacks == 0),
            ("memory kept", megabytes(more), megabytes(MORE_MEMORY), more <= MORE_MEMORY),
            ("connections kept", f"{self.after.clients}", "0", self.after.clients == 0),
            ("other files kept", f"{files:+}", f"+{MORE_FILES}", files <= MORE_FILES),
            ("exit code", f"{self.exit_code}", "0", self.exit_code == 0),
        ]
        table = Table("", "found", "allowed", "")
        for what, found, allowed, good in rows:
            table.add_row(what, found, allowed, "" if good else "WRONG")
        Console(soft_wrap=True).print(table)
        details = (*self.failed[:5], *self.busy[:5], *self.tally.failures, *self.shown_tracebacks())
        for line in (*missed, *details):
            print(f"!! {line}")
        return 0 if all(good for *_, good in rows) else 1

    def shown_tracebacks(self) -> list[str]:
        return [f"{count:,} times: {line}" for line, count in self.tracebacks.most_common(5)]


def megabytes(size: int) -> str:
    return f"{size / 2**20:+.0f} MB"


def milliseconds(values: list[float]) -> str:
    return f"median {statistics.median(values):.0f} ms, longest {max(values):.0f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
