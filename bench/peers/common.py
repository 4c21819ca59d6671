"""What all peers share: their command line, their event loop and what a message looks like."""

import argparse
import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

HOST = "127.0.0.1"

# As many may be waiting to be let in as at ours.
BACKLOG = 1024

ids = count(1)


@dataclass(frozen=True)
class Options:
    """What the command line of a peer says."""

    port: int
    loop: str


def options() -> Options:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    return Options(**vars(parser.parse_args()))


def event(text: str) -> dict[str, Any]:
    """Return what everybody hears when a client has said this."""
    return {
        "type": "message",
        "id": next(ids),
        "user": "anonymous",
        "text": text,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def answer(data: str | bytes) -> str:
    """Return the text of the frame for everybody, for the frame that a client has sent."""
    return json.dumps(event(json.loads(data)["text"]))


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def run(main: Coroutine[Any, Any, None], loop: str) -> None:
    """Run a server until it ends."""
    with asyncio.Runner(loop_factory=lambda: new_loop(loop)) as runner:
        runner.run(main)
