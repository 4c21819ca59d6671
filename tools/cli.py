"""The commands of tutorial.py."""

import io
import signal
import sys
from contextlib import chdir
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tools.paths import COMMAND, FOLDER, ROOT
from tools.problem import Problem
from tools.steps import ALL, find_folder, find_step, match_step, step_before, whole_path

# Each command imports what it runs, so that the others start without waiting for it.


def main(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a sign shows a "?"
            stream.reconfigure(errors="replace")
    own, for_pytest = split_at_dashes(arguments or ["--help"])
    try:
        code = app(args=own, prog_name=COMMAND, obj=for_pytest)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):  # the last words of a learner's chat, such as a bad setting
            print(code, file=sys.stderr)
            code = 1
    except OSError as error:  # such as a full disk, or a folder that is not ours to write to
        print(f"{error.filename or 'The system'}: {error.strerror or error}", file=sys.stderr)
        code = 1
    return code if isinstance(code, int) else 0


def split_at_dashes(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return what is for us and, of `test`, what stands after `--` and is for pytest."""
    if arguments[0] != "test" or "--" not in arguments:
        return arguments, []
    dashes = arguments.index("--")
    return arguments[:dashes], arguments[dashes + 1 :]


class Commands(TyperGroup):
    """The commands; an unknown one is answered with what was probably meant, and the list."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name not in self.commands:
            close = get_close_matches(name, self.commands, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            known = ", ".join(self.commands)
            raise Problem(f"There is no command {name!r}.{hint} The commands are: {known}.", 2)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=Commands,
    help="Learn aiohttp by building one WebSocket chat in nine steps.",
    epilog="A STEP is its number or its name: 5, 05_database or database.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StepName = Annotated[str, typer.Argument(metavar="STEP", help="Its number or its name.")]
GROUPS = "run, test, mongod, docs, bench or dev; test if you name none."
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder of your own.")]


@app.command()
def run(
    target: Annotated[
        str, typer.Argument(metavar="[STEP|DIR]", help="A step, or a folder of your own.")
    ] = ALL[-1].name,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Instead of the step's own, 8080.")
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    mongo: Annotated[
        bool, typer.Option("--mongo", help="Keep messages in a MongoDB server started for it.")
    ] = False,
) -> None:
    """Run a step, the last if you name none, on port 8080."""
    from tools.run import run as run_chat

    raise typer.Exit(run_chat(target, port=port, open_browser=open_browser, mongo=mongo))


@app.command("test")
def run_tests(
    ctx: typer.Context,
    steps: Annotated[list[str] | None, typer.Argument(metavar="[STEP]...")] = None,
) -> None:
    """Run all tests, or some steps' with smaller figures; what follows -- is for pytest."""
    import pytest

    chosen = [f"--step={find_step(text).name}" for text in steps or []]
    # Started in the background of a script, we ignore Ctrl-C; what the tests start must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with chdir(ROOT):
        options = ["--numprocesses=auto", "--dist=worksteal"]
        raise typer.Exit(pytest.main([*options, *chosen, *ctx.obj]))


@app.command()
def steps() -> None:
    """List the steps, with the minutes that each chapter takes."""
    from rich.console import Console
    from rich.table import Table

    table = Table("step", "what you will see", box=None, pad_edge=False, header_style="bold")
    table.add_column("minutes", justify="right")
    for step in ALL:
        table.add_row(step.name, step.title, f"about {step.minutes}")
    Console().print(table)


@app.command()
def start(step: StepName, folder: Folder) -> None:
    """Make a folder to begin a step's chapter in."""
    from tools.start import as_typed
    from tools.start import start as start_chapter

    chosen = find_step(step)
    start_chapter(chosen, whole_path(folder))
    print(f"{folder} is ready for step {chosen.number}. Its README.md says how to go on.")
    if folder.name != FOLDER:
        print(f"Where the chapter says {FOLDER}, type: {as_typed(folder.absolute())}")
    print(f"Check your work with: {COMMAND} check {chosen.number} {as_typed(folder.absolute())}")


@app.command()
def check(
    step: StepName,
    folder: Folder,
    exercise: Annotated[
        int | None, typer.Option(metavar="N", help="Look at an exercise of its chapter instead.")
    ] = None,
) -> None:
    """Say what works and what does not, in your own folder."""
    from tools.checker import check as check_folder
    from tools.exercises import find_exercise

    chosen = find_step(step)
    if exercise is not None:
        find_exercise(chosen, exercise)
    raise typer.Exit(check_folder(chosen, whole_path(folder), exercise))


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="A step or a folder of your own.")],
    second: Annotated[
        str | None, typer.Argument(metavar="[B]", help="Another; without it, A's own changes.")
    ] = None,
) -> None:
    """Show what changes from A to B, or from the step before to A."""
    from tools.diff import show_changes

    if second is not None:
        show_changes(find_folder(first), find_folder(second))
        return
    if match_step(first) is None and find_folder(first):
        raise Problem(f"Compare {first} with what? Name a step: {COMMAND} diff {first} 5", 2)
    step = find_step(first)
    before = step_before(step)
    show_changes(before.folder if before else None, step.folder)


@app.command()
def talk(
    url: Annotated[str, typer.Argument(metavar="[URL]")] = "http://127.0.0.1:8080",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Instead of the URL's own.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Who you are; asked for if missing.")] = None,
    password: Annotated[str | None, typer.Option(help="Asked for if the chat wants one.")] = None,
) -> None:
    """Talk to a chat that runs, from the terminal."""
    from yarl import URL

    from tools.talk import talk as talk_to_chat

    if name is None and not sys.stdin.isatty():
        raise Problem("Say who is talking: --name ann", 2)
    try:
        address = URL(url if "://" in url else f"http://{url}")
        address = address if port is None else address.with_port(port)
    except ValueError as error:
        example = "http://127.0.0.1:8080"
        raise Problem(f"{url} is no address ({error}): one looks like {example}", 2) from error
    raise typer.Exit(talk_to_chat(address, name or input("Your name: "), password))


@app.command()
def docs(
    build: Annotated[bool, typer.Option("--build", help="Build it into the folder site.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to serve it.")] = 8000,
) -> None:
    """Show the site with the chapters, anew whenever a page changes; or build it."""
    from tools.site import build_site, serve_site

    raise typer.Exit(build_site() if build else serve_site(port))


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="In minutes; proves nothing.")] = False,
    repeat: Annotated[int | None, typer.Option(min=1, help="Instead of each one's own.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="CONTENDER", help="Measure only these.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="A second run, to compare with the first.")
    ] = False,
) -> None:
    """Measure our chat beside its peers: all benchmarks, or some by name."""
    from bench.main import bench as run_benchmarks

    raise typer.Exit(
        run_benchmarks(names or [], quick=quick, repeat=repeat, only=only or [], again=again)
    )


@app.command()
def offline(
    folder: Folder,
    systems: Annotated[
        list[str] | None,
        typer.Option("--system", help="linux, macos or windows; all three if you name none."),
    ] = None,
    pythons: Annotated[
        list[str] | None,
        typer.Option("--python", help="Such as 3.12; 3.11 to 3.14 if you name none."),
    ] = None,
) -> None:
    """Make a copy of the tutorial that installs without internet, with the built site."""
    from tools.offline import PLATFORMS, PYTHONS, offline

    offline(whole_path(folder), systems or list(PLATFORMS), pythons or list(PYTHONS))


@app.command("python", context_settings={"allow_interspersed_args": False})
def run_python(
    arguments: Annotated[list[str], typer.Argument(metavar="FILE [ARGUMENT]...")],
) -> None:
    """Run a file with the Python that has the packages of all steps."""
    from tools.bootstrap import hand_over

    raise typer.Exit(hand_over([sys.executable, *arguments]))


@app.command()
def install(
    groups: Annotated[list[str] | None, typer.Argument(metavar="[GROUP]...", help=GROUPS)] = None,
) -> None:
    """Install ahead what the commands need, to work offline."""
    from tools.bootstrap import available_groups

    known = available_groups()
    for group in groups or []:
        if group not in known:
            raise Problem(f"There is no group {group!r}; there are: {', '.join(known)}.", 2)
    print("Everything is installed.")
