"""HTTP: a hello, and a page with a session, as each framework's documentation does it."""

from bench.benchmark import Benchmark, Column, Plot, Table
from bench.contenders import BOTH, PAGES
from bench.lab import Lab
from bench.server import Failed, Server

SECONDS, QUICK_SECONDS = 1.5, 0.3
CLIENTS = 64

PATHS = {"hello": "/", "page": "/page"}
FIGURE = "requests_per_cpu_second"


def measure(lab: Lab) -> None:
    lab.for_each(PAGES, lambda server: ask(lab, server))


def ask(lab: Lab, server: Server) -> None:
    seconds = QUICK_SECONDS if lab.quick else SECONDS
    for case, path in PATHS.items():
        options = ("--seconds", seconds, "--clients", CLIENTS, path)
        seen = lab.load("httpload", server, seconds, *options)
        if seen["refused"]:
            raise Failed(f"{seen['refused']:,} answers to {path} were not 200")
        rate = seen["answers"] / max(seen["server_cpu"], 1e-9)
        lab.note(server, case, seen, **{FIGURE: rate})


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
        "Requests for each second of the server's processor time, 64 connections that stay open, "
        "no access log. *Hello* is a line of text. The *page* is the same Jinja template with "
        "twenty messages everywhere, and the name in it comes from the session that the "
        "framework's documentation shows: an encrypted cookie (aiohttp), a signed one (Starlette, "
        "Tornado, Flask, Django), the server's memory (twisted.web). Flask and Django run under "
        "gunicorn, one worker with eight threads."
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
