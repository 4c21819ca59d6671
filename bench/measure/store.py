"""The store: messages acknowledged in each second, and what a long history costs."""

import random
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.contenders import STORES
from bench.lab import Lab
from bench.measure.http import check_answers
from bench.server import Server

SECONDS, QUICK_SECONDS = 2.0, 0.5

WRITERS = (1, 5, 20, 100)
FEW_WRITERS = (20,)
USUAL = 20

HISTORY = (10, 1_000, 100_000, 1_000_000)
SHORT = (10, 1_000)
KEPT = 10_000  # a longer history is made once, and the repetitions add a little to it

OURS = next(one for one in STORES if one.name == "step09_mongod")

BATCH = 10_000

PAGE = 50  # messages, as step 09 sends them
PLACES = 1_000  # where pages are read: as many as the load generator takes, to find them uncached


def measure(lab: Lab) -> None:
    lab.for_each(STORES, lambda server: write(lab, server))
    for size in SHORT if lab.quick else HISTORY:
        if lab.loops(OURS):
            database = prepare_history(lab, size)
            lab.for_each([OURS], lambda server: use_history(lab, server, size), database)  # noqa: B023


def write(lab: Lab, server: Server) -> None:
    for writers in FEW_WRITERS if lab.quick else WRITERS:
        acknowledge(lab, server, f"writers/{writers}", writers)


def acknowledge(lab: Lab, server: Server, case: str, writers: int) -> None:
    """Let people write: as many messages are under way as there are writers."""
    seconds = QUICK_SECONDS if lab.quick else SECONDS
    before = stored(lab, server)
    options = ("--clients", writers, "--senders", writers, "--window", writers)
    seen = lab.chat(server, seconds, *options)
    rate = seen["deliveries"] / writers / seen["seconds"]
    figures = {"acknowledged_per_second": rate}
    if before is not None:
        added = (stored(lab, server) or 0) - before
        acknowledged = seen["sent"] - seen["missing"] // writers
        figures |= {"lost": max(0, acknowledged - added), "doubled": max(0, added - seen["sent"])}
    lab.note(server, case, seen, **figures)


def stored(lab: Lab, server: Server) -> int | None:
    """Return how many messages its database holds; None if it has none that we can ask."""
    url = server.environment.get("MONGO_URL", "")
    if not url:
        return None
    with lab.database_client() as client:
        return client[url.rpartition("/")[2]].messages.count_documents({})


# --- history -----------------------------------------------------------------------------------


def prepare_history(lab: Lab, size: int) -> str:
    """Return the name of a database with at least so many messages, as step 09 keeps them."""
    name = f"history{size}"
    with lab.database_client() as client:
        messages = client[name].messages
        if messages.estimated_document_count() < size or size < KEPT:
            lab.say(f"writing {size:,} messages ...")
            client.drop_database(name)
            messages.create_index("n", unique=True)
            for first in range(1, size + 1, BATCH):
                numbers = range(first, min(first + BATCH, size + 1))
                messages.insert_many([document(number) for number in numbers], ordered=False)
        client[name].users.drop()  # somebody new signs up each time
    return name


def document(number: int) -> dict[str, Any]:
    client_id = uuid4().hex  # random, as a browser's: where it falls in the index is what costs
    return {
        "_id": f"{client_id}/ann",
        "n": number,
        "user": "ann",
        "text": f"message number {number}",
        "at": datetime.now(UTC),
        "client_id": client_id,
    }


def use_history(lab: Lab, server: Server, size: int) -> None:
    """Read pages of a history, then add to it."""
    seconds = QUICK_SECONDS if lab.quick else SECONDS
    places = random.Random(lab.repetition)
    first = PAGE if size > PAGE else 1  # from here on, a page is full
    paths = [f"/history?before={places.randint(first, size) + 1}" for _ in range(PLACES)]
    options = ("--seconds", seconds, "--clients", 1, "--patient", *paths)
    seen = lab.load("httpload", server, seconds, *options)
    check_answers(f"page/{size}", seen)
    lab.note(server, f"page/{size}", seen, page_ms=1000 * seen["seconds"] / seen["answers"])
    acknowledge(lab, server, f"history/{size}", USUAL)


def columns(kind: str, figure: str, headings: dict[int, str]) -> tuple[Column, ...]:
    return tuple(Column(text, f"{kind}/{size}", figure) for size, text in headings.items())


BENCHMARK = Benchmark(
    name="store",
    title="The store",
    about=(
        "Messages acknowledged per second (more is better): as many are under way as there are "
        "writers, who take turns; a message counts when it has come back, stored. mongod (on the "
        "core of the load) confirms a write when it is in its journal on disk. The store in memory "
        "keeps only the last 200 to 400 messages. *A page* is one request, from one client, for "
        "the fifty messages before one somewhere in the history (less is better; the mean)."
    ),
    measure=measure,
    repeat=3,
    titles={contender.name: contender.title for contender in STORES},
    tables=(
        Table(
            "Acknowledged per second, by writers",
            "asyncio",
            columns(
                "writers",
                "acknowledged_per_second",
                {
                    writers: f"{writers} writers" if writers > 1 else "1 writer"
                    for writers in WRITERS
                },
            ),
            "per second",
            ours="step09_mongod",
        ),
        Table(
            "Acknowledged per second, 20 writers, by messages of history",
            "asyncio",
            columns("history", "acknowledged_per_second", {size: f"{size:,}" for size in HISTORY}),
            "per second",
            ours="",
        ),
        Table(
            "A page of history, by messages of history",
            "asyncio",
            columns("page", "page_ms", {size: f"{size:,}" for size in HISTORY}),
            "ms",
            ours="",
        ),
    ),
    plots=(Plot("20 writers", "writers/20", "acknowledged_per_second", "per second"),),
)
