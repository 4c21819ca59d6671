"""Accepting: how long it takes until a thousand clients are in."""

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.contenders import BOTH, SERVERS
from bench.lab import Lab
from bench.server import Server

CLIENTS, FEW = 1_000, 200
AT_ONCE = 64


def measure(lab: Lab) -> None:
    lab.for_each(SERVERS, lambda server: let_in(lab, server))


def let_in(lab: Lab, server: Server) -> None:
    clients = FEW if lab.quick else CLIENTS
    lab.chat(server, 0.1, "--clients", 5)  # what is done on first use is done
    for case, at_once in (("some", AT_ONCE), ("all", clients)):
        seen = lab.chat(server, 0, "--clients", clients, "--at-once", at_once)
        lab.note(server, case, seen, seconds=seen["connect_seconds"])


def table(loop: str) -> Table:
    columns = (
        Column(f"{AT_ONCE} at a time", "some", "seconds"),
        Column("all at once", "all", "seconds"),
    )
    return Table(f"Letting in 1,000, {loop}", loop, columns, "s")


BENCHMARK = Benchmark(
    name="accept",
    title="Letting them in",
    about=(
        f"Seconds until {CLIENTS:,} clients have had their handshake (less is better): {AT_ONCE} "
        "at a time, and all at the same moment, as after a restart. Everywhere at least 1,024 may "
        "be waiting to be let in (the listen backlog); more would be turned away by the system, "
        "and try again a second later."
    ),
    measure=measure,
    repeat=3,
    titles={contender.name: contender.title for contender in SERVERS},
    tables=tuple(table(loop) for loop in BOTH),
    plots=(Plot("1,000 clients at the same moment", "all", "seconds", "s"),),
)
