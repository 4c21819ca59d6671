"""The measurements: their arithmetic, that they run, and that the page shows what they found."""

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench import environment, machine
from bench.benchmark import Benchmark
from bench.claims import CLAIMS, Claim, Source
from bench.contenders import CHATS, PAGES, STORES, Contender
from bench.lab import Lab
from bench.main import find, run
from bench.measure import fanout
from bench.measure.http import check_answers
from bench.paths import PAGE, PEERS, RESULTS, SOURCES
from bench.plot import Bar, Group, draw
from bench.repeat import AGAIN, repeated
from bench.report import render
from bench.results import Failure, Key, Results, Run, load_all
from bench.server import Failed
from bench.stats import DISTURBED, LIMITED, MISSING, STOPPED, Summary, marks, ratios, summarize
from bench.words import compact, three_digits, with_range
from tests.conftest import missing
from tools.bootstrap import groups_for
from tools.problem import Problem

FIGURE = fanout.FIGURE
MANY = "many/1000"

Measure = Callable[..., Any]


def made(*runs: Run, benchmark: str = "fanout") -> Results:
    """Results as a run makes them, of figures that were made up."""
    on = {"processor": "abacus", "cores": "2", "memory": "1 GiB", "kernel": "6", "pinned": "yes"}
    when = "2026-11-21T12:00+00:00"
    return Results(benchmark, when, "abc", False, on, {"aiohttp": "3"}, [*runs], complete=True)


def repetitions(
    contender: str, *values: float, loop: str = "asyncio", case: str = MANY
) -> list[Run]:
    return [
        Run(contender, loop, case, number, {FIGURE: value}) for number, value in enumerate(values)
    ]


# --- the arithmetic ----------------------------------------------------------------------------


def test_a_summary_is_the_median_the_lowest_and_the_highest() -> None:
    assert summarize([5.0, 1.0, 3.0]) == Summary(3.0, 1.0, 5.0, 3)
    assert summarize([4.0, 2.0]) == Summary(3.0, 2.0, 4.0, 2)
    assert summarize([]) is None


def test_a_ratio_is_of_the_same_repetition() -> None:
    # The second repetition was slow for both: that changes no ratio.
    assert ratios({0: 20.0, 1: 10.0, 2: 30.0}, {0: 2.0, 1: 1.0, 3: 5.0}) == [10.0, 10.0]
    assert ratios({0: 20.0}, {0: 0.0}) == []


def test_ratios_are_of_the_same_loop_and_who_has_none_is_compared_with_every_loop() -> None:
    results = made(
        *repetitions("step03", 10.0, 12.0),
        *repetitions("step03", 40.0, 44.0, loop="uvloop"),
        *repetitions("websockets", 5.0, 4.0),
        *repetitions("bare", 20.0, 22.0, loop=""),
    )

    def ratio(peer: str, loop: str) -> Summary | None:
        return results.ratio(Key("step03", loop, MANY), Key(peer, loop, MANY), FIGURE)

    assert ratio("websockets", "asyncio") == Summary(2.5, 2.0, 3.0, 2)
    assert ratio("websockets", "uvloop") is None
    assert ratio("bare", "uvloop") == Summary(2.0, 2.0, 2.0, 2)


@pytest.mark.parametrize(
    ("server", "load", "others", "went_on", "expected"),
    [
        (0.99, 0.50, 0.0, True, []),
        (0.99, 0.99, 0.0, True, []),  # the server was at its limit, too
        (0.60, 0.95, 0.0, True, [LIMITED]),
        (0.60, 0.80, 0.0, True, []),
        (0.99, 0.50, 0.5, True, [DISTURBED]),
        (0.10, 0.95, 0.5, False, [LIMITED, DISTURBED, STOPPED]),
    ],
)
def test_a_run_that_is_not_to_be_believed_is_marked(
    server: float, load: float, others: float, went_on: bool, expected: list[str]
) -> None:
    assert marks(server, load, others, went_on) == expected


def test_a_second_run_may_be_a_tenth_below_the_lowest_or_above_the_highest() -> None:
    first = made(*repetitions("step03", 100.0, 110.0, 120.0))
    near = made(*repetitions("step03", 130.0))
    far = made(*repetitions("step03", 133.0))
    assert [one.within for one in repeated({"fanout": first, "fanout.again": near})] == [True]
    assert [one.within for one in repeated({"fanout": first, "fanout.again": far})] == [False]


def test_a_second_run_on_another_machine_is_compared_by_its_ratios_to_ours() -> None:
    first = made(*repetitions("step03", 100.0, 110.0), *repetitions("bare", 50.0, 55.0, loop=""))
    faster = made(*repetitions("step03", 300.0, 330.0), *repetitions("bare", 150.0, 165.0, loop=""))
    faster.machine["processor"] = "another one"
    results = {"fanout": first, "fanout.again": faster}
    found = [(one.name, one.within) for one in repeated(results)]
    assert found == [(f"fanout: bare asyncio {MANY}, to ours", True)]
    assert "on another machine, another one, 2 cores;" in render(results).replace("\n", " ")


def test_two_runs_are_compared_in_the_order_of_the_results() -> None:
    names = ("fanout", "accept", "http")
    found = made(*repetitions("step03", 100.0))
    results = {
        name + suffix: replace(found, benchmark=name) for name in names for suffix in ("", AGAIN)
    }
    assert [one.name.partition(":")[0] for one in repeated(results)] == list(names)


def test_a_second_run_that_was_stopped_is_none() -> None:
    found = made(*repetitions("step03", 100.0))
    assert repeated({"fanout": found, "fanout.again": replace(found, complete=False)}) == []


def test_figures_are_written_with_three_digits() -> None:
    written = [three_digits(value) for value in (0.04123, 0.4123, 4.123, 41.23, 412.3, 4123)]
    assert written == ["0.0412", "0.412", "4.12", "41.2", "412", "4,123"]
    assert [compact(value) for value in (5.83e6, 248_000, 99.5)] == ["5.83 M", "248 k", "99.5"]
    assert with_range(Summary(2.5, 2, 3, 5), "times") == "2.50 (2.00 to 3.00)"
    assert with_range(Summary(2.5, 2.5, 2.5, 1), "s") == "2.50 s"


# --- what was to be shown ----------------------------------------------------------------------


def test_a_claim_is_kept_by_its_median_and_marked_as_its_runs_are() -> None:
    claim = next(one for one in CLAIMS if one.wanted == 25)
    assert claim.find({}) is None
    ours = repetitions("step03", 100.0, 130.0, 90.0)
    theirs = repetitions("websockets", 4.0, 5.0, 4.0)
    disturbed = [replace(run, marks=[DISTURBED]) for run in theirs]
    results = {"fanout": made(*ours, *disturbed)}
    found = claim.find(results)
    assert found == Summary(25.0, 22.5, 26.0, 3)
    assert claim.kept(found)
    assert not claim.kept(replace(found, median=24.9))
    assert claim.marks(results) == [DISTURBED]


def test_the_page_says_what_stands_in_the_way_of_what_was_not_reached() -> None:
    why, one = "Python's way to that call", "one/1000"
    limit = repetitions("bare", 100.0, loop="", case=one)
    reached = {"fanout": made(*repetitions("step03", 85.0, case=one), *limit)}
    missed = {"fanout": made(*repetitions("step03", 84.0, case=one), *limit)}
    assert "| 0.850 | yes |" in render(reached)
    assert why not in render(reached)
    assert "| 0.840 | **no** |" in render(missed)
    assert why not in render(missed), "nothing shows it yet"
    costs = {fanout.KERNEL: 9.0, fanout.OWN: 2.0}
    missed["fanout"].runs.append(Run("step03", "asyncio", one, 1, costs))
    page = render(missed)
    assert page.replace("\n", " ").count(why) == 1
    assert "### What a delivery costs, one at a time, 1,000 clients, asyncio" in page
    assert "| **1**<br><small>9.00 µs</small> | **1**<br><small>2.00 µs</small> |" in page


def test_what_a_claim_rests_on_is_measured_each_time_and_all_else_once(lab: Lab) -> None:
    lab.quick = False
    assert all(lab.loops(one) for one in CHATS)
    lab.repetition = 1
    again = [one.name for one in CHATS if lab.loops(one)]
    assert again == ["step03", "websockets", "starlette", "socketio", "picows", "bare"]


def sources() -> Iterator[tuple[Claim, Source]]:
    for claim in CLAIMS:
        for source in claim.sources():
            yield claim, source


def test_every_claim_asks_for_something_that_is_measured() -> None:
    for claim, source in sources():
        benchmark = find(source.benchmark)
        assert source.key.contender in benchmark.titles, claim.sentence
        shown = {
            (table.loop, column.case, column.figure)
            for table in benchmark.tables
            for column in table.columns
        }
        asked = (source.key.loop, source.key.case, source.figure)
        assert source.figure == "lost" or asked in shown, claim.sentence


def test_every_peer_is_there() -> None:
    for contender in (*CHATS, *STORES, *PAGES):
        modules = re.findall(r"bench\.peers\.(\w+)", " ".join(contender.command))
        assert all((PEERS / f"{module}.py").exists() for module in modules), contender.name
        assert modules or contender.name in ("node", "bare")


def test_all_peers_let_as_many_wait_as_ours_does() -> None:
    for path in PEERS.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "__main__" in source and path.name != "step.py":
            assert "backlog=BACKLOG" in source or "backlog={BACKLOG}" in source, path.name


# --- results and the page ----------------------------------------------------------------------


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = made(*repetitions("step03", 1.5, 2.5))
    results.fail(Failure("sanic", "", "it is not installed"))
    results.fail(Failure("sanic", "", "it is not installed"))
    results.save(tmp_path / "fanout.json")
    assert load_all(tmp_path) == {"fanout": results}
    assert len(results.failures) == 1


def some_results() -> dict[str, Results]:
    fan_out = made(
        *repetitions("step03", 5_310_000.0, 5_420_000.0, 5_530_000.0),
        *repetitions("websockets", 191_000.0, 202_000.0, 213_000.0),
        *repetitions("bare", 277_000.0, 288_000.0, 299_000.0, loop=""),
    )
    fan_out.runs.append(Run("naive", "asyncio", MANY, 0, {FIGURE: 171_000.0}, [LIMITED]))
    fan_out.fail(Failure("sanic", "uvloop", "it is not installed"))
    let_in = made(benchmark="accept")
    let_in.runs += [
        Run("step03", "asyncio", case, 0, {"seconds": seconds})
        for case, seconds in (("some", 0.0817), ("all", 0.0926))
    ]
    return {"accept": let_in, "fanout": fan_out}


def figures_of(results: Results, benchmark: Benchmark) -> Iterator[str]:
    """Yield all that may stand in a cell about these runs."""
    for table in benchmark.tables:
        for column in table.columns:
            for name in benchmark.titles:
                key = Key(name, table.loop, column.case)
                ours = Key(table.ours, table.loop, column.case)
                if found := results.summary(key, column.figure):
                    yield with_range(found, table.unit)
                if ratio := results.ratio(key, ours, column.figure):
                    yield with_range(ratio, "times")


def test_no_figure_stands_on_the_page_without_its_run() -> None:
    results = some_results()
    page = render(results)
    known = {text for name, found in results.items() for text in figures_of(found, find(name))} | {
        with_range(found, claim.unit) for claim in CLAIMS if (found := claim.find(results))
    }
    rows = [
        line
        for line in page.splitlines()
        if line.startswith("| ") and not line.startswith(("| server ", "| what "))
    ]
    cells = [cell.strip() for row in rows for cell in row.split(" | ")[1:]]
    shown = {
        re.sub("[†‡§¶]", "", text)
        for cell in cells
        for text in re.split(r"<br>|</?small>", cell.removesuffix(" |"))
        if re.match(r"[0-9]", text)
    }
    assert len(shown) > 10
    assert shown <= known
    assert "5.42 M (5.31 M to 5.53 M)" in shown


def test_the_page_says_what_is_missing_or_to_be_taken_with_care() -> None:
    page = render(some_results())
    assert "<small>171 k†</small>" in page
    assert ">171 k†</text>" in page
    assert "- Sanic, uvloop: it is not installed" in page
    assert (
        "A second full run, which would show how far all this can be repeated, is missing." in page
    )
    assert "not measured" in page
    assert "abacus, 2 cores" in page


def test_peers_are_shown_where_ours_could_not_be_measured() -> None:
    page = render({"fanout": made(*repetitions("websockets", 202_000.0))})
    assert "| `websockets.broadcast()` | 202 k |" in page


def test_a_claim_is_not_kept_while_messages_are_missing() -> None:
    figures = {"p99_ms": 1.0, "p99_before_ms": 1.0}
    runs = [Run("step03", "asyncio", "stalled", number, figures) for number in range(2)]
    claim = "The others' p99 with one reader stalled, against without (asyncio) | ≤ 1.2 times |"
    assert f"{claim} 1.00 (1.00 to 1.00) | yes |" in render({"stalled": made(*runs)})
    runs.append(Run("step03", "asyncio", "stalled", 2, {}, [MISSING]))
    assert f"{claim} 1.00 (1.00 to 1.00)¶ | **no** |" in render({"stalled": made(*runs)})


def test_a_benchmark_that_was_run_again_names_the_versions_that_differ() -> None:
    results = some_results()
    assert "; with " not in render(results)
    results["fanout"].versions["aiohttp"] = "4"
    assert "on abacus, 2 cores; with aiohttp 4.*" in render(results).replace("\n", " ")


def test_a_quick_run_says_that_it_proves_nothing() -> None:
    results = some_results()
    assert "It proves nothing" not in render(results)
    results["fanout"].quick = True
    assert "It proves nothing" in render(results)


def test_the_page_of_the_site_is_what_the_results_make() -> None:
    """`python -m bench.report` writes it."""
    assert PAGE.read_text(encoding="utf-8") == render(load_all(RESULTS))


def test_what_the_site_shows_was_measured_to_the_end_and_in_a_state_that_is_kept() -> None:
    for name, results in load_all(RESULTS).items():
        assert not results.quick, name
        assert results.complete, name
        assert not results.commit.endswith("-dirty"), name


def test_a_plot_is_svg_that_says_in_words_what_it_shows() -> None:
    bars = [Bar("asyncio", Summary(2.0, 1.0, 4.0, 3)), Bar("uvloop", Summary(1.0, 1.0, 1.0, 1))]
    text = draw("A & B", [Group("ours", bars, ours=True), Group("<them>", bars[1:])], "s")
    assert "\n\n" not in text  # or Markdown would take the rest for a paragraph
    svg = ET.fromstring(text).find("{http://www.w3.org/2000/svg}svg")
    assert svg is not None
    assert svg.get("aria-label") == (
        "A & B: ours asyncio 2.00 s; ours uvloop 1.00 s; <them> uvloop 1.00 s"
    )
    widths = [float(bar.get("width", "")) for bar in svg.iter() if bar.tag.endswith("rect")]
    assert widths[0] == 2 * widths[1] == 2 * widths[2]


# --- running -----------------------------------------------------------------------------------


def test_bench_installs_what_it_needs() -> None:
    assert groups_for(["bench", "fanout"])[:2] == ["run", "test"]


def test_an_unknown_benchmark_is_answered_with_those_there_are() -> None:
    with pytest.raises(Problem, match=r"no benchmark 'fannout'; there are: fanout, latency, "):
        find("fannout")


def test_what_was_measured_before_ctrl_c_is_kept(tmp_path: Path) -> None:
    def measure(lab: Lab) -> None:
        if lab.repetition:
            raise KeyboardInterrupt
        lab.note_run("step03", "asyncio", MANY, {FIGURE: 1.0})

    benchmark = replace(find("fanout"), measure=measure)
    path = tmp_path / "fanout.json"
    with pytest.raises(KeyboardInterrupt):
        run(benchmark, replace(made(), complete=False), path, 3, [])
    kept = Results.load(path)
    assert len(kept.runs) == 1
    assert not kept.complete


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(made(), quick=True, only=frozenset(), say=lambda text: None) as lab:
        yield lab


linux = pytest.mark.skipif(sys.platform != "linux", reason="the load generator needs Linux")


@pytest.fixture
def load_generator() -> None:
    if not (shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")):
        missing("the load generator needs a C compiler (on Debian: apt install gcc libc6-dev)")
    environment.build(SOURCES / "wsload.c")
    environment.build(SOURCES / "httpload.c")


@linux
def test_who_does_not_start_is_left_out_and_named(lab: Lab) -> None:
    nobody = Contender("nobody", "Nobody", (sys.executable, "-c", "exit('no such package')"))
    lab.for_each([replace(nobody, quick=True)], lambda server: None)
    assert lab.results.failures == [Failure("nobody", "asyncio", "no such package")]
    assert lab.loops(replace(nobody, quick=True)) == []


@linux
@pytest.mark.usefixtures("load_generator")
@pytest.mark.parametrize("name", ["step03", "naive", "gather"])
def test_fan_out_is_measured(lab: Lab, name: str) -> None:
    """The peers' environment is not needed for those that are aiohttp alone."""
    contender = next(one for one in CHATS if one.name == name)
    command = (sys.executable, *contender.command[1:])
    contender = replace(contender, command=command, quick=True)
    lab.for_each([contender], lambda server: fanout.fan_out(lab, server, clients=10))
    assert lab.results.failures == []
    assert [run.case for run in lab.results.runs] == ["one/10", "many/10"]
    for found in lab.results.runs:
        assert found.figures[FIGURE] > 0
        cost = found.figures[fanout.KERNEL] + found.figures[fanout.OWN]
        assert cost == pytest.approx(1e6 / found.figures[FIGURE])
        assert 0 <= found.figures["kernel_share"] <= 1  # of a few ticks, none may be the kernel's
        assert found.figures["server_share"] > 0


@pytest.fixture
def measure_odd(lab: Lab, load_generator: None) -> Measure:
    """Load a chat that is odd in some way, and return what was seen, or why there is nothing."""

    def measure_odd(mode: str, program: str, *options: object) -> Any:
        seen: list[dict[str, Any]] = []
        command = (sys.executable, str(Path(__file__).with_name("odd_chat.py")), "{port}", mode)
        odd = Contender("odd", "Odd", command, ("",), quick=True)
        lab.for_each(
            [odd],
            lambda server: seen.append(lab.load(program, server, 1, "--seconds", 1, *options)),
        )
        return seen[0] if seen else lab.results.failures[0].reason

    return measure_odd


AT_A_RATE = ("wsload", "--clients", 5, "--senders", 1, "--rate", 50)


@linux
def test_latency_is_from_being_due_to_being_received(measure_odd: Measure) -> None:
    seen = measure_odd("late", *AT_A_RATE)
    assert 50 <= seen["p50_ms"] <= seen["p99_ms"]
    assert seen["missing"] == 0


@linux
@pytest.mark.parametrize("mode", ["forgets", "hangs-up"])
def test_what_never_comes_or_cannot_be_sent_is_missing(measure_odd: Measure, mode: str) -> None:
    seen = measure_odd(mode, *AT_A_RATE)
    assert seen["missing"] > 0
    assert seen["p99_ms"] < 0


@linux
def test_who_falls_silent_is_a_failure(measure_odd: Measure) -> None:
    reason = measure_odd("silent", "wsload", "--patience", 0.5)
    assert reason == "nothing came back while it warmed up"


@linux
def test_not_more_messages_are_under_way_than_the_window_has(measure_odd: Measure) -> None:
    """Each takes 50 ms to come back: in a second, three at a time, 60 can."""
    seen = measure_odd("late", "wsload", "--clients", 2, "--senders", 2, "--window", 3)
    assert 0 < seen["deliveries"] / 2 <= 66


@linux
def test_an_answer_that_refuses_is_counted(measure_odd: Measure) -> None:
    seen = measure_odd("late", "httpload", "/")
    assert seen["refused"] >= seen["answers"] > 0
    with pytest.raises(Failed, match="were not 200"):
        check_answers("hello", seen)


@linux
def test_what_is_started_on_a_core_stays_there_and_we_do_not() -> None:
    before = machine.cores()
    with machine.on_core(machine.SERVER):
        assert before is None or machine.cores() is None
        with psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            found = child.cpu_affinity()
            child.communicate()
    assert before is None or found == [before[machine.SERVER]]
    assert machine.cores() == before
