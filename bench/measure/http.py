"""HTTP: a hello, and a page with a session, as each framework's documentation does it."""

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.contenders import BOTH, PAGES
from bench.generator import Seen
from bench.lab import Lab
from bench.server import Failed, Server

SECONDS, QUICK_SECONDS = 1.5, 0.3
CLIENTS = 64

# A hello without the cookie: some would check it before they know that nobody asks for it.
CASES = {"hello": ("--header", "", "/"), "page": ("/page",)}
FIGURE = "requests_per_cpu_second"


def measure(lab: Lab) -> None:
    lab.for_each(PAGES, lambda server: ask(lab, server))


def ask(lab: Lab, server: Server) -> None:
    seconds = QUICK_SECONDS if lab.quick else SECONDS
    for case, words in CASES.items():
        options = ("--seconds", seconds, "--clients", CLIENTS, *words)
        seen = lab.load("httpload", server, seconds, *options)
        check_answers(case, seen)
        rate = seen["answers"] / seen["server_cpu"]
        lab.note(server, case, seen, **{FIGURE: rate})


def check_answers(case: str, seen: Seen) -> None:
    """Raise Failed unless there were answers, and all of them pages."""
    if seen["refused"] or not seen["answers"]:
        raise Failed(f"{case}: {seen['answers']:,} answers; {seen['refused']:,} were not 200")


def table(loop: str) -> Table:
    columns = (
        Column("hello", "hello", FIGURE),
        Column("page with a session", "page", FIGURE),
    )
    return Table(f"Pages, {loop}", loop, columns, "per CPU second", ours="aiohttp")


BENCHMARK = Benchmark(
    name="http",
    title="Pages",
    about=(
        "Requests for each second of the server's processor time (more is better), 64 connections "
        "that stay open, no access log. *Hello* is a line of text. The *page* is the same Jinja "
        "template with twenty messages everywhere, and the name in it comes from the session that "
        "the framework's documentation shows: an encrypted cookie (aiohttp), a signed one "
        "(Starlette, Tornado, Flask, Django), the server's memory (twisted.web). Flask and Django "
        "run under gunicorn, one worker with eight threads."
    ),
    measure=measure,
    repeat=3,
    titles={contender.name: contender.title for contender in PAGES},
    tables=tuple(table(loop) for loop in BOTH),
    plots=(
        Plot("A hello", "hello", FIGURE, "per CPU second"),
        Plot("A page with a session", "page", FIGURE, "per CPU second"),
    ),
)
