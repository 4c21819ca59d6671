"""Memory: what an idle connection costs."""

import time

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.contenders import BOTH, SERVERS
from bench.generator import Load
from bench.lab import Lab
from bench.server import Server

CLIENTS, FEW = 1_000, 200
SETTLE = 0.5  # seconds


def measure(lab: Lab) -> None:
    lab.for_each(SERVERS, lambda server: connect_many(lab, server))


def connect_many(lab: Lab, server: Server) -> None:
    clients = FEW if lab.quick else CLIENTS
    # What is loaded on first use, and stays, is not the connections'.
    lab.chat(server, 0.2, "--clients", 5)
    time.sleep(SETTLE)
    before = server.memory()
    with Load("wsload", server, *server.contender.load, "--clients", clients, "--hold") as load:
        load.next_event()
        time.sleep(SETTLE)
        each = (server.memory() - before) / clients
    lab.note(server, "idle", kb=each / 1000)


def table(loop: str) -> Table:
    column = Column("one idle connection", "idle", "kb")
    return Table(f"Memory, {loop}", loop, (column,), "kB")


BENCHMARK = Benchmark(
    name="memory",
    title="Memory for each connection",
    about=(
        f"What {CLIENTS:,} idle clients add to the memory that the server shares with nobody "
        "(USS), for each of them; less is better. What the system itself keeps for a connection "
        "is not in it."
    ),
    measure=measure,
    repeat=1,
    titles={contender.name: contender.title for contender in SERVERS},
    tables=tuple(table(loop) for loop in BOTH),
    plots=(Plot("One idle connection", "idle", "kb", "kB"),),
)
