"""Fan-out: how many deliveries a server makes in each second of its processor time."""

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.contenders import BOTH, CHATS
from bench.lab import Lab
from bench.server import Failed, Server

CLIENTS = (10, 100, 1_000, 5_000)
FEW = (1_000,)  # when there is little time, and after the first repetition: what claims rest on

SECONDS, QUICK_SECONDS = 1.0, 0.3

# How people talk: one message after another, each to be heard by all before the next; or ten
# people, so that 64 messages are under way at any time.
SHAPES = {
    "one": ("--senders", 1, "--window", 1),
    "many": ("--senders", 10, "--window", 64),
}

FIGURE = "deliveries_per_cpu_second"
KERNEL, OWN = "kernel_us", "own_us"  # microseconds for each delivery


def measure(lab: Lab) -> None:
    for clients in FEW if lab.quick or lab.repetition else CLIENTS:
        lab.for_each(CHATS, lambda server: fan_out(lab, server, clients))  # noqa: B023


def fan_out(lab: Lab, server: Server, clients: int) -> None:
    # Longer where more is under way: at both ends of the time, it is chance how much of that the
    # server has already done.
    seconds = QUICK_SECONDS if lab.quick else SECONDS * max(1.0, clients / 2_000)
    for shape, options in SHAPES.items():
        warm_up = seconds / 2
        seen = lab.chat(server, seconds, "--clients", clients, "--warm-up", warm_up, *options)
        if not seen["deliveries"]:
            raise Failed(f"{shape}/{clients}: no message came back")
        rate = seen["deliveries"] / seen["server_cpu"]
        cost, kernel = 1e6 / rate, seen["kernel_share"]
        costs = {KERNEL: cost * kernel, OWN: cost * (1 - kernel)}
        lab.note(server, f"{shape}/{clients}", seen, **{FIGURE: rate}, **costs)


def table(title: str, shape: str, loop: str) -> Table:
    columns = (Column(f"{clients:,} clients", f"{shape}/{clients}", FIGURE) for clients in CLIENTS)
    return Table(f"{title}, {loop}", loop, tuple(columns), "per CPU second")


def costs(loop: str) -> Table:
    columns = (Column("in the kernel", "one/1000", KERNEL), Column("its own code", "one/1000", OWN))
    title = f"What a delivery costs, one at a time, 1,000 clients, {loop}"
    about = (
        "The processor time of one delivery: less is better. The system's clock ticks divide it "
        "between the kernel, which sends, and the server's own code."
    )
    return Table(title, loop, columns, "µs", about=about)


BENCHMARK = Benchmark(
    name="fanout",
    title="Fan-out",
    about=(
        "Everybody is in one room and hears every message. A delivery is one message that has "
        "reached one client; the figure is how many a server makes in each second of **its own** "
        "processor time: more is better. A message has 16 characters, its frame about 120 bytes "
        "(step 09's about 170: it also returns the client's own id). *One at a time*: the next "
        "message is sent when everybody has the one before. *Many at once*: ten clients talk, and "
        "64 messages are always under way. Ours puts what waits, up to 64 messages, into one "
        "write for each client: this is the case that suits it best. The limits are no peers: the "
        "one in C makes one system call for each delivery, so whoever gathers messages passes it "
        "where there are many. 10, 100 and 5,000 clients are measured in the first repetition only."
    ),
    measure=measure,
    repeat=5,  # one at a time, the ratios to the limits are close to what is wanted of them
    titles={contender.name: contender.title for contender in CHATS},
    tables=tuple(
        table(title, shape, loop)
        for shape, title in (("many", "Many at once"), ("one", "One at a time"))
        for loop in BOTH
    )
    + tuple(costs(loop) for loop in BOTH),
    plots=(
        Plot("Many messages at once, 1,000 clients", "many/1000", FIGURE, "per CPU second"),
        Plot("One message at a time, 1,000 clients", "one/1000", FIGURE, "per CPU second"),
    ),
)
