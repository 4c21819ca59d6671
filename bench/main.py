"""`bench`: run benchmarks by name, and note what they find."""

import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import environment, machine
from bench.benchmark import Benchmark
from bench.benchmarks import BENCHMARKS
from bench.lab import Lab
from bench.paths import PAGE, QUICK, RESULTS
from bench.repeat import AGAIN
from bench.report import write
from bench.results import Results, load_all
from tools.git import git
from tools.paths import ROOT
from tools.problem import Problem

NAMES = [benchmark.name for benchmark in BENCHMARKS]


def bench(
    names: Sequence[str],
    *,
    quick: bool,
    repeat: int | None,
    only: Sequence[str],
    again: bool,
) -> int:
    """Run benchmarks, write their results and the page, and return the exit code.

    `only` names the contenders that take part; none: all. `again` is a second run, kept beside
    the first to compare with. Raises Problem for an unknown name, or if nothing can be measured.
    """
    chosen = [find(name) for name in names or NAMES]
    check_contenders(only)
    machine.check_machine()
    # Being told to stop is an interrupt, too: the servers must end with us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    environment.prepare()
    folder = QUICK if quick or only else RESULTS
    state = commit()  # before our own results change it
    code = 0
    try:
        for benchmark in chosen:
            path = folder / f"{benchmark.name}{AGAIN if again else ''}.json"
            times = repeat or (1 if quick else benchmark.repeat)
            run(benchmark, begin(benchmark, quick, state), path, times, only)
    except KeyboardInterrupt:
        print("\nStopped: what was measured so far is kept.", file=sys.stderr)
        code = 130
    page = PAGE if folder == RESULTS else folder / "benchmarks.md"
    write(load_all(folder), page)
    print(f"The results are in {folder}, the page is {page}.")
    return code


def find(name: str) -> Benchmark:
    for benchmark in BENCHMARKS:
        if benchmark.name == name:
            return benchmark
    raise Problem(f"There is no benchmark {name!r}; there are: {', '.join(NAMES)}.", 2)


def check_contenders(names: Sequence[str]) -> None:
    known = list(dict.fromkeys(name for one in BENCHMARKS for name in one.titles))
    for name in names:
        if name not in known:
            raise Problem(f"There is no contender {name!r}; there are: {', '.join(known)}.", 2)


def begin(benchmark: Benchmark, quick: bool, state: str) -> Results:
    return Results(
        benchmark=benchmark.name,
        date=datetime.now(UTC).isoformat(timespec="minutes"),
        commit=state,
        quick=quick,
        machine=machine.describe(),
        versions=environment.versions(),
    )


def commit() -> str:
    """Return which state of this repository is measured, the results and their page aside."""
    written = [f":(exclude){path.relative_to(ROOT)}" for path in (RESULTS, PAGE)]
    try:
        name = git(ROOT, "describe", "--always", "--abbrev=10", "--exclude=*").stdout.decode()
        changed = git(ROOT, "status", "--porcelain", "--untracked-files=no", "--", ".", *written)
    except Problem:
        return "unknown"
    return name.strip() + ("-dirty" if changed.stdout else "")


def run(
    benchmark: Benchmark, results: Results, path: Path, repeat: int, only: Sequence[str]
) -> None:
    """Repeat a benchmark. What was found is saved after each run, so that nothing gets lost."""
    began = time.monotonic()

    def say(text: str) -> None:
        passed = time.monotonic() - began
        number = f"{lab.repetition + 1}/{repeat}"
        print(f"{benchmark.name} {number} {passed:6.0f} s  {text}", flush=True)
        results.save(path)

    with Lab(results, results.quick, frozenset(only), say) as lab:
        for lab.repetition in range(repeat):
            benchmark.measure(lab)
    results.complete = True
    results.save(path)
