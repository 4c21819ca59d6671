"""A stalled reader: what the others lose when one client stops reading."""

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.contenders import BOTH, SERVERS
from bench.lab import Lab
from bench.server import Server
from bench.stats import MISSING

SECONDS, QUICK_SECONDS = 8.0, 1.0
BEFORE = 0.5  # of that without the stalled reader, to compare with
CLIENTS = 20
RATE = 400  # messages in a second
TEXT = 3_900  # bytes: a stalled reader's connection is full within a second

LAST = 2  # seconds at the end: by then it has stalled everybody whom it can stall


def measure(lab: Lab) -> None:
    lab.for_each(SERVERS, lambda server: stall(lab, server))


def stall(lab: Lab, server: Server) -> None:
    """Measure the same twice: without a stalled reader, and with one.

    To read the memory costs the server time: it is read in both halves, so that they compare.
    """
    seconds = QUICK_SECONDS if lab.quick else SECONDS
    options = ("--clients", CLIENTS, "--senders", 5, "--rate", RATE, "--text-bytes", TEXT)
    memory: list[int] = []

    def look() -> None:
        memory.append(server.memory())

    before = lab.chat(server, BEFORE * seconds, *options, meanwhile=look)
    memory.clear()
    look()
    seen = lab.chat(server, seconds, *options, "--stalled", 1, meanwhile=look)
    last = seen["per_second"][-LAST:]
    figures = {
        "share": sum(last) / (RATE * CLIENTS * len(last)),
        "memory_mb": (max(memory) - memory[0]) / 1e6,
        "cut_off": seen["stalled_closed"],
    }
    for name, p99 in (("p99_before_ms", before["p99_ms"]), ("p99_ms", seen["p99_ms"])):
        if p99 >= 0:
            figures[name] = p99
        else:
            seen["marks"].append(MISSING)
    seen["marks"] = sorted({*before["marks"], *seen["marks"]})
    lab.note(server, "stalled", seen, **figures)


def table(loop: str) -> Table:
    columns = (
        Column("share that others receive", "stalled", "share"),
        Column("p99 without, ms", "stalled", "p99_before_ms"),
        Column("p99 with, ms", "stalled", "p99_ms"),
        Column("memory, MB", "stalled", "memory_mb"),
        Column("cut off", "stalled", "cut_off"),
    )
    return Table(f"One stalled reader, {loop}", loop, columns, "", ours="")


BENCHMARK = Benchmark(
    name="stalled",
    title="A reader that has stopped reading",
    about=(
        f"{CLIENTS} clients talk, {RATE} messages of {TEXT:,} characters a second; one more is "
        f"connected and never reads. *Share that others receive*: of the messages in the last "
        f"{LAST} of {SECONDS:.0f} seconds. *p99* is the others' latency in milliseconds, without "
        "and with the stalled reader. *Memory* is what the server has grown by; *cut off* "
        "is 1 where the server has closed that connection."
    ),
    measure=measure,
    repeat=3,
    titles={contender.name: contender.title for contender in SERVERS},
    tables=tuple(table(loop) for loop in BOTH),
    plots=(Plot("What the others still receive", "stalled", "share", "share"),),
)
