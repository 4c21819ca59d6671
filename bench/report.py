"""The page of the site that shows the results: `python -m bench.report` writes it anew.

Nothing on it is typed: each figure comes from a run in bench/results.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import fill

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.benchmarks import BENCHMARKS
from bench.claims import CLAIMS, Claim
from bench.paths import PAGE, RESULTS
from bench.plot import Bar, Group, draw
from bench.repeat import repeated, runs
from bench.results import Key, Results, load_all
from bench.stats import DISTURBED, LIMITED, MISSING, STOPPED, Summary
from bench.words import plain, with_range

WIDTH = 100  # characters in a line

SIGNS = {LIMITED: "†", DISTURBED: "‡", STOPPED: "§", MISSING: "¶"}

INTRODUCTION = """\
# Benchmarks

How fast our chat is, beside its peers: what `python3 tutorial.py bench` has measured. Repetitions
go round: each contender once, then each once again. A figure is the median of them, with the
lowest and the highest beside it. One that stands alone was measured once, as is most of what
nothing was to be shown about. In the tables, the upper figure of a cell is a **ratio**: how many
times as much this server has as ours, in the same repetition and with the same event loop. (In the
list of what was to be shown it is the other way round: ours against theirs.) The small figure below
it is what was measured, and depends on this machine:

{machine}

The server runs on one core, and the program that loads it on another. Who has no event loop of
Python's stands in the tables of both. No server compresses. A sign marks what is to be taken with
care, even if only one repetition was so: † the load was at its limit, and the server was not;
‡ something else was busy on this machine; § nothing came any more for ten seconds; ¶ so many
messages were missing that a repetition has no p99.
"""


QUICK = "**This was a quick run: short, once, with fewer clients. It proves nothing.**"

NOTHING = """\
# Benchmarks

Nothing has been measured for this version yet. This measures our chat and its peers side by side,
and writes this page from the results:

```sh
python3 tutorial.py bench
```
"""


def render(results: Mapping[str, Results]) -> str:
    """Return the page. Every figure on it comes from these results."""
    if not results:
        return NOTHING
    first = next(iter(results.values()))
    parts = [
        INTRODUCTION.format(machine=machine(first)),
        QUICK if any(found.quick for found in results.values()) else "",
        "## What was to be shown\n",
        claims_table(results),
        "\n\n".join(fill(limit, WIDTH) for limit in limits(results)),
        "\n".join(repetition(results)),
    ]
    for benchmark in BENCHMARKS:
        if benchmark.name in results:
            parts.append(section(benchmark, results[benchmark.name], first))
    return "\n".join(part.rstrip() + "\n" for part in parts if part.strip())


def machine(results: Results) -> str:
    """Say on what it was measured."""
    on = results.machine
    versions = named(results.versions.items())
    text = (
        f"{on['processor']}, {on['cores']} cores, {on['memory']}, Linux {on['kernel']}; server and "
        f"load each on a core of their own: {on['pinned']}. {versions}."
    )
    return fill(text, WIDTH, initial_indent="> ", subsequent_indent="> ", break_on_hyphens=False)


def named(versions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions)


# --- what was to be shown ----------------------------------------------------------------------


def claims_table(results: Mapping[str, Results]) -> str:
    lines = ["| what | wanted | found | kept |", "|---|---|---|---|"]
    lines += [claim_row(claim, results) for claim in CLAIMS]
    return "\n".join(lines) + "\n"


def claim_row(claim: Claim, results: Mapping[str, Results]) -> str:
    unit = f" {claim.unit}" if claim.unit else ""
    wanted = f"{'≥' if claim.at_least else '≤'} {claim.wanted:g}{unit}"
    found = claim.find(results)
    if found is None:
        return f"| {claim.sentence} | {wanted} | not measured | |"
    verdict = "yes" if kept(claim, found, results) else "**no**"
    figure = with_range(found, claim.unit) + signs(claim.marks(results))
    return f"| {claim.sentence} | {wanted} | {figure} | {verdict} |"


def kept(claim: Claim, found: Summary, results: Mapping[str, Results]) -> bool:
    """Say whether the figure was reached, with no message missing."""
    return claim.kept(found) and MISSING not in claim.marks(results)


def limits(results: Mapping[str, Results]) -> list[str]:
    """Say what stands in the way of what was not reached, where these results show it."""
    missed = (
        claim.limit
        for claim in CLAIMS
        if (found := claim.find(results)) and not kept(claim, found, results)
    )
    shown = (limit.text for limit in missed if limit and limit.shown_by.values(results))
    return list(dict.fromkeys(shown))


def signs(marks: Iterable[str]) -> str:
    return "".join(SIGNS[mark] for mark in marks)


def repetition(results: Mapping[str, Results]) -> Iterator[str]:
    """Say whether another full run has found the same: a later one, or one on another machine."""
    first, second = runs(results)
    if not second:
        yield "A second full run, which would show how far all this can be repeated, is missing."
        return
    when = next(iter(second.values()))
    elsewhere = [name for name in second if second[name].machine != first[name].machine]
    on, what = when.machine, "ratios" if elsewhere else "medians"
    place = f"on another machine, {on['processor']}, {on['cores']} cores; " if elsewhere else ""
    found = repeated(results)
    outside = [one for one in found if not one.within]
    yield fill(
        f"Another full run ({place}{when.date}, commit {when.commit}) found "
        f"{len(found) - len(outside):,} of {len(found):,} {what} within the range of this one, "
        "from a tenth below its lowest to a tenth above its highest.",
        WIDTH,
    )
    if outside:
        yield '\n??? note "Those that were outside"\n'
        yield "    | figure | this run | the other |"
        yield "    |---|---|---|"
        for one in outside:
            yield (
                f"    | {one.name} | {with_range(one.first, '')} | {with_range(one.second, '')} |"
            )


# --- one benchmark -----------------------------------------------------------------------------


def section(benchmark: Benchmark, results: Results, first: Results) -> str:
    """Return what a benchmark has found; `first` holds the versions that stand above."""
    parts = [f"## {benchmark.title}", fill(benchmark.about, WIDTH), conditions(results, first)]
    parts += [chart for plot in benchmark.plots if (chart := draw_plot(benchmark, plot, results))]
    for table in benchmark.tables:
        if rows := list(table_rows(benchmark, table, results)):
            parts += [f"### {table.title}", fill(table.about, WIDTH), "\n".join(rows)]
    parts += list(left_out(benchmark, results))
    if not results.complete:
        parts.append("This benchmark was stopped before its last repetition.")
    return "\n\n".join(filter(None, parts)) + "\n"


def conditions(results: Results, first: Results) -> str:
    """Say when it was measured, and how often: no absolute figure stands without its machine."""
    differ = named(sorted(results.versions.items() - first.versions.items()))
    times = len({run.repetition for run in results.runs})
    on = results.machine
    return fill(
        f"*Measured {results.date}, commit {results.commit}, {times} "
        f"{'repetitions' if times > 1 else 'repetition'}, on {on['processor']}, "
        f"{on['cores']} cores{f'; with {differ}' if differ else ''}.*",
        WIDTH,
    )


def table_rows(benchmark: Benchmark, table: Table, results: Results) -> Iterator[str]:
    """Yield the lines of a table: the ratios to ours, and under each the figure itself."""
    columns = [one for one in table.columns if measured(table, one, results)]
    if not columns:
        return
    yield f"| server | {' | '.join(column.heading for column in columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for name, title in benchmark.titles.items():
        cells = [cell(table, column, name, results) for column in columns]
        if any(cells):
            yield f"| {title} | {' | '.join(cells)} |"


def measured(table: Table, column: Column, results: Results) -> bool:
    """Say whether anybody was measured there with this event loop."""
    return any(
        (run.loop, run.case) == (table.loop, column.case) and column.figure in run.figures
        for run in results.runs
    )


def cell(table: Table, column: Column, contender: str, results: Results) -> str:
    """Return what stands in a cell: the ratio to ours, then the figure, then the signs."""
    key = Key(contender, table.loop, column.case)
    found = results.summary(key, column.figure)
    if found is None:
        return signs(results.marks(key))
    absolute = with_range(found, table.unit) + signs(results.marks(key))
    ours = Key(table.ours, table.loop, column.case)
    ratio = results.ratio(key, ours, column.figure) if table.ours else None
    if ratio is None:
        return absolute
    if contender == table.ours:
        return f"**1**<br><small>{absolute}</small>"
    return f"{with_range(ratio, 'times')}<br><small>{absolute}</small>"


def draw_plot(benchmark: Benchmark, plot: Plot, results: Results) -> str:
    groups = [
        Group(plain(title), bars, ours=title.startswith("**"))
        for name, title in benchmark.titles.items()
        if (bars := list(plot_bars(plot, name, results)))
    ]
    return draw(plot.title, groups, plot.unit) if groups else ""


def plot_bars(plot: Plot, contender: str, results: Results) -> Iterator[Bar]:
    loops = dict.fromkeys(run.loop for run in results.runs if run.contender == contender)
    for loop in loops:
        key = Key(contender, loop, plot.case)
        if found := results.summary(key, plot.figure):
            yield Bar(loop, found, signs(results.marks(key)))


def left_out(benchmark: Benchmark, results: Results) -> Iterable[str]:
    """Say who is missing, and why."""
    lines = [
        f"- {benchmark.titles.get(failure.contender, failure.contender)}"
        f"{f', {failure.loop}' if failure.loop else ''}: {failure.reason}"
        for failure in results.failures
    ]
    return ["Not measured, or not each time:\n\n" + "\n".join(lines)] if lines else []


def main() -> int:
    write(load_all(RESULTS), PAGE)
    return 0


def write(results: Mapping[str, Results], page: Path) -> None:
    page.write_text(render(results), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
