"""One of our own steps, just as `python -m aiochat` runs it there, but on a port that is free.

With --one-insert-each, and then --in-order or not, its messages are stored one by one: what the
step would be if it did not store all that waits in one round trip.
"""

import argparse
import os
import runpy
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from aiohttp import web

from bench.peers.common import new_loop

STEPS = Path(__file__).resolve().parents[2] / "steps"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("step", help="the name of its folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--one-insert-each", action="store_true")
    parser.add_argument("--in-order", action="store_true")
    options = parser.parse_args()
    run_app = web.run_app

    def run_app_here(app: web.Application, **given: Any) -> None:
        run_app(app, **given | {"port": options.port, "loop": new_loop(options.loop)})

    web.run_app = run_app_here  # type: ignore[assignment]
    os.chdir(STEPS / options.step)
    sys.path.insert(0, str(STEPS / options.step))
    if options.one_insert_each:
        store_one_by_one(in_order=options.in_order)
    runpy.run_module("aiochat", run_name="__main__", alter_sys=True)


def store_one_by_one(*, in_order: bool) -> None:
    """Give the step another `Messages`: one insert for each message, and as many round trips."""
    db, models = import_module("aiochat.db"), import_module("aiochat.chat.models")

    class OneByOne(models.Messages):  # type: ignore[name-defined]
        number = 0

        async def add(self, user: str, text: str, client_id: str) -> Any:
            """Store a message, then announce it; in order, one waits for the one before."""
            if not in_order:
                return await self.insert(models.Draft(user, text, client_id))
            async with self.lock:
                return await self.insert(models.Draft(user, text, client_id))

        async def insert(self, draft: Any) -> Any:
            self.number = max(self.number, self.last) + 1
            document = models.to_document(self.number, draft)
            await self.collection.insert_one(document)
            self.announce(models.to_message(document).event())
            return models.to_message(document), True

    db.Messages = OneByOne  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
