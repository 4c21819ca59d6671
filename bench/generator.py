"""The load generators: programs in C, on a core of their own, that say what they saw in JSON."""

import json
import subprocess
from typing import IO, Any, Self

from bench.environment import BUILD
from bench.machine import LOAD, on_core
from bench.server import Failed, Server

Seen = dict[str, Any]

# Seconds for connecting (wsload gives up after 60), for warming up, and for what comes after.
PATIENCE = 90.0


class Load:
    """A load generator at work, for the length of a block."""

    def __init__(self, program: str, server: Server, *options: object) -> None:
        pids = [str(process.pid) for process in server.processes()]
        words = [str(BUILD / program), "--port", str(server.port)]
        words += [word for pid in pids for word in ("--server-pid", pid)]
        words += ["--header", server.header, *map(str, options)]
        self.command = words

    def __enter__(self) -> Self:
        with on_core(LOAD):
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def next_event(self) -> Seen:
        """Wait for it to say something. Raises Failed if it ends instead."""
        line = pipe(self.process.stdout).readline()
        if not line:
            raise Failed(self.why())
        found: Seen = json.loads(line)
        return found

    def result(self, seconds: float) -> Seen:
        """Wait until it is done, which should take so many seconds. Raises Failed."""
        try:
            output, errors = self.process.communicate(timeout=seconds + PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("it was not done in time") from None
        if self.process.returncode != 0:
            raise Failed((errors.strip().splitlines() or ["the load generator broke off"])[-1])
        events = [json.loads(line) for line in output.splitlines()]
        merged: Seen = {}
        for event in events:
            kind = event.pop("event")
            merged |= {"connect_seconds": event["seconds"]} if kind == "connected" else event
        return merged

    def why(self) -> str:
        lines = pipe(self.process.stderr).read().strip().splitlines()
        return lines[-1] if lines else "the load generator broke off"


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
