"""Whether a second run has found what the first one did."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bench.benchmarks import BENCHMARKS
from bench.claims import CLAIMS
from bench.results import Key, Results
from bench.stats import Summary

AGAIN = ".again"  # what the second run's results are called, after the first's name


@dataclass(frozen=True)
class Repeat:
    """A figure that was found twice."""

    name: str
    first: Summary
    second: Summary

    @property
    def within(self) -> bool:
        return self.first.stated().holds(self.second.median)


def runs(results: Mapping[str, Results]) -> tuple[dict[str, Results], dict[str, Results]]:
    """Return the results of the first run and of the second, by benchmark; both run to the end."""
    done = {name: found for name, found in results.items() if found.complete}
    first = {name: found for name, found in done.items() if not name.endswith(AGAIN)}
    second = {name.removesuffix(AGAIN): done[name] for name in done if name.endswith(AGAIN)}
    return first, second


def repeated(results: Mapping[str, Results]) -> list[Repeat]:
    """Return what both runs have found: what was to be shown, and each median.

    Of runs on different machines, ratios take the place of medians that depend on the machine.
    """
    first, second = runs(results)
    found = []
    for claim in CLAIMS:
        before, after = claim.find(first), claim.find(second)
        if before and after:
            found.append(Repeat(claim.sentence, before, after))
    for name in first:
        if name in second:
            alike = first[name].machine == second[name].machine
            found += (medians if alike else ratios_to_ours)(first[name], second[name])
    return found


def medians(first: Results, second: Results) -> list[Repeat]:
    """Return every figure of a benchmark that both runs have."""
    names = {
        (Key(run.contender, run.loop, run.case), figure): None
        for run in first.runs
        for figure in run.figures
        if figure not in CIRCUMSTANCES
    }
    return [
        Repeat(f"{first.benchmark}: {key.contender} {key.loop} {key.case} {figure}", one, other)
        for key, figure in names
        if (one := first.summary(key, figure)) and (other := second.summary(key, figure))
    ]


def ratios_to_ours(first: Results, second: Results) -> list[Repeat]:
    """Return every ratio to ours that both runs have, as the tables show them."""
    return [
        Repeat(f"{first.benchmark}: {key.contender} {key.loop} {key.case}, to ours", one, other)
        for key, ours, figure in cells(first.benchmark)
        if (one := first.ratio(key, ours, figure)) and (other := second.ratio(key, ours, figure))
    ]


def cells(name: str) -> Iterator[tuple[Key, Key, str]]:
    """Yield whom a benchmark's tables compare with ours, ours, and by which figure."""
    benchmark = next(one for one in BENCHMARKS if one.name == name)
    for table in benchmark.tables:
        for column in table.columns:
            for contender in benchmark.titles:
                key = Key(contender, table.loop, column.case)
                if table.ours and contender != table.ours:
                    yield key, replace(key, contender=table.ours), column.figure


# What a run is judged by, and what it does not measure.
CIRCUMSTANCES = ("server_share", "kernel_share", "load_share", "others", "missing")
