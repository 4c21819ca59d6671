"""What was to be shown: each with the figure that must be reached, and where it comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.results import Key, Results
from bench.stats import Summary, ratios, summarize

LOOPS = ("asyncio", "uvloop")


@dataclass(frozen=True)
class Source:
    """Where a figure comes from."""

    benchmark: str
    key: Key
    figure: str

    def values(self, results: Mapping[str, Results]) -> dict[int, float]:
        """Return it by repetition; nothing if it was not measured."""
        found = results.get(self.benchmark)
        return found.values(self.key, self.figure) if found else {}

    def marks(self, results: Mapping[str, Results]) -> list[str]:
        found = results.get(self.benchmark)
        return found.marks(self.key) if found else []


@dataclass(frozen=True)
class Limit:
    """What stands in the way of more. It names no figure: those are where it is shown."""

    text: str
    shown_by: Source


@dataclass(frozen=True)
class Claim:
    """A figure, or how many times another one it is, and what it has to be."""

    sentence: str
    wanted: float
    at_least: bool  # or at most
    over: Source
    under: Source | None = None
    unit: str = "times"
    limit: Limit | None = None  # what stands in the way, where it is not kept

    def sources(self) -> list[Source]:
        return [self.over, self.under] if self.under else [self.over]

    def find(self, results: Mapping[str, Results]) -> Summary | None:
        """Return what the results say, or None if it was not measured."""
        over = self.over.values(results)
        if self.under is None:
            return summarize(over.values())
        return summarize(ratios(over, self.under.values(results)))

    def marks(self, results: Mapping[str, Results]) -> list[str]:
        """Return what one must know about the runs that it rests on."""
        return sorted({mark for source in self.sources() for mark in source.marks(results)})

    def kept(self, found: Summary) -> bool:
        """Say whether the median is what was wanted."""
        return found.median >= self.wanted if self.at_least else found.median <= self.wanted


def fan_out(contender: str, loop: str, case: str) -> Source:
    return Source("fanout", Key(contender, loop, case), "deliveries_per_cpu_second")


def one_at_a_time(loop: str) -> Limit:
    return Limit(
        "One at a time, nothing waits to be gathered, and each delivery is one `send()`: the "
        "kernel's work is the same for Python and for C, and it is most of the whole. What remains "
        "is Python's way to that call; see *What a delivery costs*, below.",
        Source("fanout", Key("step03", loop, "one/1000"), "kernel_us"),
    )


def store(contender: str, case: str, figure: str = "acknowledged_per_second") -> Source:
    return Source("store", Key(contender, "asyncio", case), figure)


def claims() -> Iterator[Claim]:
    """Yield all of them, in the order in which they were asked for."""
    ours = "step09_mongod"
    for shape, text, peer, title, loops, wanted in (
        ("many", "Many at once", "websockets", "`websockets.broadcast()`", ("asyncio",), 25),
        ("many", "Many at once", "websockets", "`websockets.broadcast()`", ("uvloop",), 8),
        ("many", "Many at once", "starlette", "Starlette on uvicorn", ("uvloop",), 12),
        ("many", "Many at once", "socketio", "python-socketio", ("uvloop",), 80),
        ("many", "Many at once", "picows", "picows in C, gathering as ours does", LOOPS, 0.4),
        ("one", "One at a time", "bare", "bare `send()` in C", LOOPS, 0.85),
        ("one", "One at a time", "websockets", "`websockets.broadcast()`", LOOPS, 1.15),
    ):
        for loop in loops:
            case = f"{shape}/1000"
            yield Claim(
                f"{text}, 1,000 clients, {loop}: step 03 against {title}",
                wanted,
                True,
                fan_out("step03", loop, case),
                fan_out(peer, loop, case),
                limit=one_at_a_time(loop) if peer == "bare" else None,
            )
    for loop in LOOPS:
        yield Claim(
            f"Letting in 1,000 clients at once, against 64 at a time ({loop})",
            2,
            False,
            Source("accept", Key("step03", loop, "all"), "seconds"),
            Source("accept", Key("step03", loop, "some"), "seconds"),
        )
    yield Claim(
        "Step 09 on mongod, 20 writers: messages per second, against one insert after the other",
        5,
        True,
        store(ours, "writers/20"),
        store("in_order", "writers/20"),
    )
    yield Claim(
        "Acknowledged messages that were not stored, of 20 writers",
        0,
        False,
        store(ours, "writers/20", "lost"),
        unit="",
    )
    for loop in LOOPS:
        yield Claim(
            f"The others' p99 with one reader stalled, against without ({loop})",
            1.2,
            False,
            Source("stalled", Key("step03", loop, "stalled"), "p99_ms"),
            Source("stalled", Key("step03", loop, "stalled"), "p99_before_ms"),
        )
    yield Claim(
        "Acknowledged per second at 1,000,000 messages of history, against at 10",
        0.9,
        True,
        store(ours, "history/1000000"),
        store(ours, "history/10"),
    )
    yield Claim(
        "Time for a page of history at 1,000,000 messages, against at 1,000",
        1.5,
        False,
        store(ours, "page/1000000", "page_ms"),
        store(ours, "page/1000", "page_ms"),
    )
    yield Claim(
        "From a fresh clone to the first page, uv with a warm cache",
        15,
        False,
        Source("tutorial", Key("first_page_uv", "", "once"), "seconds"),
        unit="s",
    )


CLAIMS = tuple(claims())


def rested_on(benchmark: str) -> set[str]:
    """Return the contenders whose figures in a benchmark claims rest on."""
    sources = (source for claim in CLAIMS for source in claim.sources())
    return {source.key.contender for source in sources if source.benchmark == benchmark}
