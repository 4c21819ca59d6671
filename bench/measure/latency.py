"""Latency: how long a message takes from being sent to being received, at a fixed rate."""

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.contenders import BOTH, CHATS
from bench.lab import Lab
from bench.server import Server
from bench.stats import MISSING

SECONDS, QUICK_SECONDS = 3.0, 0.5

# Clients, and messages in a second: two that leave the server idle, and one that does not.
CASES = {
    "idle/100": (100, 50),
    "idle/1000": (1_000, 20),
    "load/100": (100, 1_000),
}
FEW = ("idle/100",)


def measure(lab: Lab) -> None:
    lab.for_each(CHATS, lambda server: wait_for_messages(lab, server))


def wait_for_messages(lab: Lab, server: Server) -> None:
    seconds = QUICK_SECONDS if lab.quick else SECONDS
    for case in FEW if lab.quick else CASES:
        clients, rate = CASES[case]
        options = ("--clients", clients, "--senders", 10, "--rate", rate)
        seen = lab.chat(server, seconds, *options)
        figures = {name: seen[name] for name in ("p50_ms", "p99_ms") if seen[name] >= 0}
        if seen["p99_ms"] < 0:
            seen["marks"].append(MISSING)
        lab.note(server, case, seen, missing=seen["missing"], **figures)


def columns() -> tuple[Column, ...]:
    return tuple(
        Column(f"{what}, {percentile}", case, f"{percentile}_ms")
        for case, what in (
            ("idle/100", "100 clients, 50/s"),
            ("idle/1000", "1,000 clients, 20/s"),
            ("load/100", "100 clients, 1,000/s"),
        )
        for percentile in ("p50", "p99")
    )


BENCHMARK = Benchmark(
    name="latency",
    title="Latency",
    about=(
        "Milliseconds, less is better, from the moment at which a message is due to the moment at "
        "which a client has it, over all clients; the median (p50) and what one in a hundred "
        "exceeds (p99). At 1,000 messages a second to 100 clients a server has 100,000 deliveries "
        "a second to make. Who cannot falls behind: ¶ then says that one in a hundred messages "
        "was still missing two seconds after the end. At 20 messages a second there are 60 "
        "messages in all: p99 is then nearly the slowest of them. With mongod the load sleeps up "
        "to a millisecond between two looks; that is in step 09's figures."
    ),
    measure=measure,
    repeat=1,
    titles={contender.name: contender.title for contender in CHATS},
    tables=tuple(Table(f"Latency, {loop}", loop, columns(), "ms") for loop in BOTH),
    plots=(Plot("p99 at 20 messages a second, 1,000 clients", "idle/1000", "p99_ms", "ms"),),
)
