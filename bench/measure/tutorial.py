"""The tutorial itself: how long its own commands take, in a fresh clone."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import IO

from bench.benchmark import Benchmark, Column, Table
from bench.lab import Lab
from bench.paths import HOME
from bench.results import Failure
from bench.server import Failed
from tools.mongod import free_port
from tools.paths import REQUIREMENTS, ROOT

FIRST_PAGE_PATIENCE = 300.0  # seconds; a cold cache fetches everything
COMMAND_PATIENCE = 1800.0
STOP_PATIENCE = 10.0

TITLES = {
    "first_page_uv": "first page, uv, packages in the cache",
    "first_page_uv_cold": "first page, uv, nothing in the cache",
    "first_page_pip": "first page, pip, packages in the cache",
    "first_page_pip_cold": "first page, pip, nothing in the cache",
    "download": "bytes to download",
    "check": "`check` of step 3",
    "site": "building the site",
    "tests": "the whole test suite",
}

Environment = dict[str, str]


def measure(lab: Lab) -> None:
    if lab.only and not lab.only & TITLES.keys():
        return
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        place = Path(folder)
        attempt(lab, "first_page_uv", lambda: with_uv(lab, place))
        if not lab.quick and lab.repetition == 0:  # what no claim rests on is measured once
            attempt(lab, "first_page_pip", lambda: with_pip(lab, place))
            attempt(lab, "download", lambda: download(lab, place))
            attempt(lab, "commands", lambda: run_commands(lab, place))


def attempt(lab: Lab, case: str, measure_it: Callable[[], None]) -> None:
    try:
        measure_it()
    except Failed as failure:
        lab.results.fail(Failure(case, "", str(failure)))
        lab.say(f"{case}: left out: {failure}")


def note(lab: Lab, name: str, **figures: float) -> None:
    lab.note_run(name, "", "once", figures)


# --- the first page ----------------------------------------------------------------------------


def with_uv(lab: Lab, place: Path) -> None:
    """Measure twice: with an empty cache, which that fills, and then again.

    A quick run does the second only, with the person's own cache.
    """
    tools = place / "uv"
    tools.mkdir()
    (tools / "uv").symlink_to(find_uv())
    environment = without_uv() | {"UV_CACHE_DIR": str(place / "uv_cache")}
    environment["PATH"] = f"{tools}{os.pathsep}{environment['PATH']}"
    if lab.quick:
        environment.pop("UV_CACHE_DIR")
    else:
        note(lab, "first_page_uv_cold", seconds=first_page(place, environment))
    note(lab, "first_page_uv", seconds=first_page(place, environment))


def with_pip(lab: Lab, place: Path) -> None:
    environment = without_uv() | {"PIP_CACHE_DIR": str(place / "pip_cache")}
    note(lab, "first_page_pip_cold", seconds=first_page(place, environment))
    note(lab, "first_page_pip", seconds=first_page(place, environment))


def find_uv() -> Path:
    """Return where uv is. Raises Failed."""
    beside = Path(sys.executable).with_name("uv")
    found = shutil.which("uv") or (beside if beside.exists() else None)
    if found is None:
        raise Failed("there is no uv here")
    return Path(found).resolve()


def without_uv() -> Environment:
    """Return our environment with nothing of ours in it, and no uv to be found.

    Folders that hold a uv are not searched at all: Python and git have to be in others.
    """
    folders = os.environ["PATH"].split(os.pathsep)
    hidden = ("VIRTUAL_ENV", "TUTORIAL_DATA", "PYTHONPATH", "MONGO_URL", "SECRET_KEY")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    path = [folder for folder in folders if not (Path(folder) / "uv").exists()]
    return kept | {"PATH": os.pathsep.join(path)}


def first_page(place: Path, environment: Environment) -> float:
    """Return the seconds from the command in a fresh clone to its first page."""
    port = free_port()
    command = [base_python(), "tutorial.py", "run", "--port", str(port)]
    with clone(place) as folder, tempfile.TemporaryFile() as log:
        began = time.monotonic()
        with started(command, folder, environment, log) as process:
            while not answers(port):
                if process.poll() is not None or time.monotonic() - began > FIRST_PAGE_PATIENCE:
                    raise Failed(why(log))
                time.sleep(0.02)
            return time.monotonic() - began


@contextmanager
def started(
    command: list[str], folder: Path, environment: Environment, log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command for the length of a block; with that end all the processes that it started."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C: they, too, end what they started
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whoever is left
        process.wait()


def why(log: IO[bytes]) -> str:
    """Return what a command said last or, of a test run, the first test that failed."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    failed = [line for line in lines if line.startswith("FAILED ")]
    return (failed or lines[-1:] or ["it said nothing"])[0][:200]


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):  # a URLError is an OSError
        return False


@contextmanager
def clone(place: Path) -> Iterator[Path]:
    """Make a fresh clone of what is committed, for the length of a block."""
    folder = place / "clone"
    command = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise Failed(done.stderr.strip()[:200])
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def base_python() -> str:
    """Return the Python that ours was made with."""
    return str(getattr(sys, "_base_executable", sys.executable))


# --- the rest ----------------------------------------------------------------------------------


def download(lab: Lab, place: Path) -> None:
    """Measure what `run` has to fetch on this system."""
    wheels = place / "wheels"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--no-cache-dir", "--dest", str(wheels)]
    execute([*command, "--requirement", str(REQUIREMENTS / "run.txt")], ROOT, dict(os.environ))
    note(lab, "download", bytes=sum(wheel.stat().st_size for wheel in wheels.iterdir()))


def run_commands(lab: Lab, place: Path) -> None:
    """Measure commands in a clone, once what they need is installed."""
    with clone(place) as folder:
        tutorial = [base_python(), "tutorial.py"]

        def run_command(name: str, *words: str) -> None:
            began = time.monotonic()
            execute([*tutorial, *words], folder, without_uv())
            note(lab, name, seconds=time.monotonic() - began)

        execute([*tutorial, "install", "test", "docs", "mongod"], folder, without_uv())
        attempt(lab, "check", lambda: run_command("check", "check", "3", "steps/03_views"))
        attempt(lab, "site", lambda: run_command("site", "docs", "--build"))
        attempt(lab, "tests", lambda: run_command("tests", "test"))


def execute(command: list[str], folder: Path, environment: Environment) -> None:
    """Run a command to its end. Raises Failed if it fails."""
    name = " ".join(command[1:4])
    with tempfile.TemporaryFile() as log, started(command, folder, environment, log) as process:
        try:
            code = process.wait(COMMAND_PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"{name} was not done in time") from None
        if code != 0:
            raise Failed(f"{name}: {why(log)}")


BENCHMARK = Benchmark(
    name="tutorial",
    title="The tutorial itself",
    about=(
        "In a fresh clone of the repository on this machine. *First page*: from "
        "`python3 tutorial.py run` to the first page in the browser, everything installed "
        "meanwhile; with nothing in the cache, most of it is the network. What does not begin "
        "with *first page, uv* is measured once."
    ),
    measure=measure,
    repeat=3,
    titles=TITLES,
    tables=(
        Table(
            "Seconds, and bytes",
            "",
            (Column("seconds", "once", "seconds"), Column("bytes", "once", "bytes")),
            "",
            ours="",
        ),
    ),
)
