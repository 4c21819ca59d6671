"""A stalled reader: what the others lose when one client stops reading."""

import time

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.contenders import BOTH, SERVERS
from bench.generator import Load
from bench.lab import Lab, assess
from bench.server import Server

SECONDS, QUICK_SECONDS = 8.0, 1.0
BEFORE = 0.5  # of that without the stalled reader, to compare with
CLIENTS = 20
RATE = 400  # messages in a second
TEXT = 3_900  # bytes: a stalled reader's connection is full within a second

LAST = 2  # seconds at the end: by then it has stalled everybody whom it can stall

LOOK = 0.25  # seconds between two looks at the memory


def measure(lab: Lab) -> None:
    lab.for_each(SERVERS, lambda server: stall(lab, server))


def stall(lab: Lab, server: Server) -> None:
    """Measure the same twice: without a stalled reader, and with one."""
    seconds = QUICK_SECONDS if lab.quick else SECONDS
    options = ("--clients", CLIENTS, "--senders", 5, "--rate", RATE, "--text-bytes", TEXT)
    before = lab.chat(server, BEFORE * seconds, *options)
    memory = server.memory()
    given = (*server.contender.load, "--seconds", seconds, *options, "--stalled", 1)
    with Load("wsload", server, *given) as load:
        most = memory
        while load.process.poll() is None:
            most = max(most, server.memory())
            time.sleep(LOOK)
        seen = load.result(seconds)
    last = seen["per_second"][-LAST:]
    figures = {
        "share": sum(last) / (RATE * CLIENTS * len(last)),
        "memory_mb": (most - memory) / 1e6,
        "cut_off": seen["stalled_closed"],
    }
    if before["p99_ms"] >= 0:
        figures["p99_before_ms"] = before["p99_ms"]
    if seen["p99_ms"] >= 0:
        figures["p99_ms"] = seen["p99_ms"]
    seen = assess(seen, before["others"])
    lab.note(server, "stalled", seen, **figures)


def table(loop: str) -> Table:
    columns = (
        Column("others receive", "stalled", "share"),
        Column("p99 without", "stalled", "p99_before_ms"),
        Column("p99 with", "stalled", "p99_ms"),
        Column("memory, MB", "stalled", "memory_mb"),
        Column("cut off", "stalled", "cut_off"),
    )
    return Table(f"One stalled reader, {loop}", loop, columns, "", ours="")


BENCHMARK = Benchmark(
    name="stalled",
    title="A reader that has stopped reading",
    about=(
        f"{CLIENTS} clients talk, {RATE} messages of {TEXT:,} characters a second; one more is "
        f"connected and never reads. *Others receive*: the share of the messages that reach the "
        f"others in the last {LAST} of {SECONDS:.0f} seconds. *p99* is the others' latency, "
        "without and with the stalled reader. *Memory* is what the server has grown by; *cut off* "
        "is 1 where the server has closed that connection."
    ),
    measure=measure,
    repeat=3,
    titles={contender.name: contender.title for contender in SERVERS},
    tables=tuple(table(loop) for loop in BOTH),
    plots=(Plot("What the others still receive", "stalled", "share", "share"),),
)
