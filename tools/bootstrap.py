"""Make `.venv`, put into it what a command needs, and hand over to the commands there.

Standard library only: this runs before anything is installed.

`.venv/ready.json` says what is installed and is written last. Without it the environment is
unfinished, and is made anew.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from tools.paths import DATA, REQUIREMENTS, ROOT, VENV, WHEELS
from tools.problem import Problem

READY = VENV / "ready.json"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# How uv, pip and the operating systems say it.
NETWORK_SIGNS = (
    "failed to fetch",
    "failed to download",
    "error sending request",
    "dns error",
    "name resolution",
    "newconnectionerror",
    "connection broken by",
    "connection refused",
    "timed out",
)
NO_VENV = re.compile(r"no module named '?(venv|ensurepip|pip)\b")
MISSING_WHEEL_SIGNS = ("no matching distribution", "no solution found")
DISK_SIGNS = ("no space left", "not enough space", "disk quota")
LEAST_FREE_BYTES = 20_000_000  # with less than this, anything that fails fails for this


class State(TypedDict):
    """What `ready.json` holds: the Python it is for, who installs, and each lock's hash."""

    python: str
    installer: str
    locks: dict[str, str]


def main(arguments: list[str]) -> int:
    """Do what the command line says and return the exit code."""
    try:
        prepare(groups_for(arguments))
    except Problem as problem:
        say(str(problem))
        return problem.exit_code
    except OSError as error:
        reason = error.strerror or str(error)
        say(f"The environment in {VENV} could not be made ({reason}): put that right, start again.")
        return 1
    except KeyboardInterrupt:
        say("\nStopped: the next start will begin the installation anew.")
        return 130
    if Path(sys.prefix).resolve() == VENV.resolve():
        from tools.cli import main as run_command

        return run_command(arguments)
    return hand_over([str(PYTHON), str(ROOT / "tutorial.py"), *arguments])


def groups_for(arguments: list[str]) -> list[str]:
    """Return the dependency groups that a command line needs."""
    words = [word for word in arguments if not word.startswith("-")]
    command = words[0] if words else "help"
    groups = ["run"]
    if command in ("test", "check", "bench"):
        groups.append("test")
    if command in ("test", "docs", "offline"):
        groups.append("docs")
    if command == "install":
        groups += [word for word in words[1:] or ["test"] if word in available_groups()]
    wants_mongod = "--mongo" in arguments or command == "bench"
    if wants_mongod and sys.platform == "linux" and shutil.which("mongod") is None:
        groups.append("mongod")
    return list(dict.fromkeys(groups))


def available_groups() -> list[str]:
    """Return the names of all groups that have a lock."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def prepare(groups: list[str]) -> None:
    """See to it that `.venv` holds these groups exactly as they are locked.

    Raises Problem when that cannot be done; then nothing half done is left behind.
    """
    if not missing(groups, read_state()):
        return
    with only_one_at_a_time():
        state = read_state()
        if not missing(groups, state):
            return  # another process has done it while this one waited
        installer = "uv" if shutil.which("uv") else "pip"
        if state is None or state["installer"] != installer:
            state = make_environment(installer)
        install(missing(groups, state), state)


def read_state() -> State | None:
    """Return what is installed, or None when there is no environment that can be used."""
    try:
        state: State = json.loads(READY.read_text(encoding="utf-8"))
        usable = state["python"] == python_version() and PYTHON.exists()
    except (OSError, ValueError, KeyError, TypeError):  # TypeError: it is no object
        return None
    return state if usable else None


def missing(groups: list[str], state: State | None) -> list[str]:
    """Return those groups whose lock is not the one that was installed."""
    installed = state["locks"] if state else {}
    return [group for group in groups if installed.get(group) != lock_hash(group)]


def lock_hash(group: str) -> str:
    return hashlib.sha256((REQUIREMENTS / f"{group}.txt").read_bytes()).hexdigest()


def python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Hold a lock that the system takes back however this process ends."""
    DATA.mkdir(exist_ok=True)
    with (DATA / "install.lock").open("a") as file:
        # The installer inherits the lock: should we be killed, it is free when that is done.
        os.set_inheritable(file.fileno(), True)
        if not try_lock(file.fileno()):
            say("Another tutorial.py is installing: waiting for it ...")
            wait_for_lock(file.fileno())
        yield


if sys.platform == "win32":
    import msvcrt
    import time

    def try_lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def wait_for_lock(file: int) -> None:
        while not try_lock(file):
            time.sleep(0.2)

else:
    import fcntl

    def try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def wait_for_lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


def install(groups: list[str], state: State) -> None:
    """Install groups into `.venv`, which holds what `state` says."""
    READY.unlink(missing_ok=True)
    say(f"Installing what is needed ({', '.join(groups)}) with {state['installer']} ...")
    try:
        install_locks(state["installer"], [REQUIREMENTS / f"{group}.txt" for group in groups])
    except Problem as problem:
        # Both installers fetch everything before they change anything.
        if isinstance(problem, NoNetwork) and state["locks"]:
            write_state(state)
        else:
            remove_environment()
        raise
    state["locks"] |= {group: lock_hash(group) for group in groups}
    write_state(state)


def write_state(state: State) -> None:
    """Write `ready.json` in one go, so that it is there as a whole or not at all."""
    draft = READY.with_suffix(".draft")
    draft.write_text(json.dumps(state), encoding="utf-8", newline="\n")
    draft.replace(READY)


def make_environment(installer: str) -> State:
    """Make `.venv` anew and return what it holds: nothing yet."""
    remove_environment()
    say(f"Making an environment for Python {python_version()} in .venv ...")
    # When this Python is itself in an environment, perhaps the one just removed.
    python = getattr(sys, "_base_executable", sys.executable)
    if installer == "uv":
        command = ["uv", "venv", "--no-project", "--quiet", "--python", python, str(VENV)]
    else:
        command = [python, "-m", "venv", str(VENV)]
    code, lines = run_installer(command, progress=False)
    if code != 0:
        problem = explain(lines, f"Python could not make an environment in {VENV}")
        remove_environment()
        raise problem
    return {"python": python_version(), "installer": installer, "locks": {}}


def remove_environment() -> None:
    """Delete `.venv`, however far it got."""
    try:
        shutil.rmtree(VENV)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Problem(
            f"{VENV} must be made anew but cannot be deleted ({error.strerror}): "
            "stop the programs that run from it, delete it and start again."
        ) from error


def install_locks(installer: str, locks: list[Path]) -> None:
    if installer == "uv":
        command = ["uv", "pip", "install", "--python", str(PYTHON)]
    else:
        command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    for lock in locks:
        command += ["--requirement", str(lock)]
    if WHEELS.is_dir():
        command += ["--no-index", "--find-links", str(WHEELS)]
    code, lines = run_installer([*command, "--require-hashes"], progress=True)
    if code != 0:
        raise explain(lines, f"{installer} could not install the packages")


def run_installer(command: list[str], *, progress: bool) -> tuple[int, list[str]]:
    """Run a command, show how far it is, and return its exit code and what it printed."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
        close_fds=False,  # see only_one_at_a_time
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if progress:
                show_progress(lines[-1])
    if progress:
        show_progress("")
    return process.returncode, lines


def show_progress(line: str) -> None:
    """Show the installer's latest line, in place; a pipe or a file gets none of it."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line.strip()[:width]:<{width}}\r", end="", file=sys.stderr, flush=True)


class NoNetwork(Problem):
    """The packages could not be fetched."""


def explain(lines: list[str], what: str) -> Problem:
    """Return what a failed installer meant, in one sentence where it is a known trouble."""
    output = "\n".join(lines).lower()
    little_left = shutil.disk_usage(ROOT).free < LEAST_FREE_BYTES
    if little_left or any(sign in output for sign in DISK_SIGNS):
        return Problem("The disk is full: the tutorial needs about 500 MB; free some, start again.")
    if "ensurepip is not available" in output or NO_VENV.search(output):
        return Problem(
            "This Python cannot make environments: install the missing part "
            f"(on Debian and Ubuntu: sudo apt install python{python_version()}-venv), start again."
        )
    if WHEELS.is_dir() and any(sign in output for sign in MISSING_WHEEL_SIGNS):
        return Problem(
            f"The folder {WHEELS} lacks packages for this system with Python {python_version()}: "
            "start with a Python that it was made for, or delete it to install from the internet."
        )
    if any(sign in output for sign in NETWORK_SIGNS):
        return NoNetwork(
            "The packages could not be fetched: connect to the internet (the first start "
            "needs it, later ones do not) and start again."
        )
    return Problem("\n".join([f"{what}. Its last words were:", *lines[-10:]]))


def hand_over(command: list[str]) -> int:
    """Become the given command; on Windows, which has no such thing, wait for it."""
    if os.name == "posix":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(command[0], command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the command by itself
    return subprocess.run(command, check=False).returncode


def say(text: str) -> None:
    """Tell what is going on, beside the command's own output."""
    print(text, file=sys.stderr, flush=True)
