"""The peers' own environment: made on first use, from locks, apart from the tutorial's.

What cannot be installed is left out: who needs it does not start, and the results say so.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.paths import HOME, PEERS, SOURCES
from tools.mongod import find_mongod
from tools.paths import REQUIREMENTS, WHEELS
from tools.problem import Problem

PYTHON = HOME / "venv" / "bin" / "python"
READY = HOME / "venv" / "ready.txt"
NODE = HOME / "node"
WS = NODE / "node_modules" / "ws" / "package.json"
BUILD = HOME / "build"

LOCKS = (REQUIREMENTS / "run.txt", REQUIREMENTS / "bench.txt")

# The packages that the figures depend on most, besides Python itself.
NAMED = (
    *("aiofastnet", "aiohttp", "aiohttp-session", "channels", "cryptography", "daphne", "django"),
    *("fastapi", "flask", "gunicorn", "httptools", "jinja2", "motor", "picows", "python-socketio"),
    *("sanic", "starlette", "tornado", "twisted", "uvicorn", "uvloop", "websockets"),
)

LIST_PACKAGES = """
import json
from importlib.metadata import distributions
print(json.dumps({one.name.lower(): one.version for one in distributions()}))
"""


def prepare() -> None:
    """Install and compile what is missing. Raises Problem if there is no way to measure."""
    build(SOURCES / "wsload.c")
    build(SOURCES / "httpload.c")
    build(PEERS / "bare.c")
    wanted = fingerprint()
    if not READY.exists() or READY.read_text(encoding="utf-8") != wanted:
        make_environment()
        READY.write_text(wanted, encoding="utf-8")
    install_node_peer()


def build(source: Path) -> None:
    """Compile a program, unless it is newer than its source."""
    program = BUILD / source.stem
    sources = [source, SOURCES / "common.h"]
    if program.exists() and all(program.stat().st_mtime > path.stat().st_mtime for path in sources):
        return
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Problem(
            "The load generator is written in C, and there is no compiler here: "
            "install one (on Debian and Ubuntu: sudo apt install gcc libc6-dev), start again."
        )
    BUILD.mkdir(parents=True, exist_ok=True)
    draft = program.with_suffix(f".{os.getpid()}")  # another process may run, or build, it
    command = [compiler, "-O2", "-o", str(draft), str(source)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise Problem(f"{source.name} cannot be compiled: {done.stderr.strip()[:500]}")
    draft.replace(program)


def fingerprint() -> str:
    """Return what changes when the environment has to be made anew."""
    locks = b"".join(lock.read_bytes() for lock in LOCKS)
    return f"{platform.python_version()} {hashlib.sha256(locks).hexdigest()}\n"


def make_environment() -> None:
    """Make the environment anew; what cannot be installed in it is left out."""
    shutil.rmtree(HOME / "venv", ignore_errors=True)
    HOME.mkdir(parents=True, exist_ok=True)
    print(f"Installing the peers in {HOME / 'venv'} ...", flush=True)
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", str(HOME / "venv")], check=True)
    if install(LOCKS):
        return
    ours, peers = LOCKS
    if not install([ours]):
        raise Problem("What the chat itself needs cannot be installed: is there a network?")
    # One of the peers cannot be had: install each by itself, so that it is missing alone.
    for entry in entries(peers.read_text(encoding="utf-8")):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as alone:
            alone.write(entry)
            alone.flush()
            if not install([Path(alone.name)]):
                print(f"Left out, for it cannot be installed: {entry.split()[0]}", flush=True)


def install(locks: tuple[Path, ...] | list[Path]) -> bool:
    """Install what locks hold; say whether that worked.

    They hold everything that is needed: what the packages themselves ask for is not looked at.
    """
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    if WHEELS.is_dir():
        command += ["--no-index", "--find-links", str(WHEELS)]
    for lock in locks:
        command += ["--requirement", str(lock)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def entries(lock: str) -> list[str]:
    """Return the packages of a lock, each with its hashes."""
    return re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]


def install_node_peer() -> None:
    """Install the peer on Node, if there is Node; if not, it will be missing."""
    if not (shutil.which("node") and shutil.which("npm")):
        return
    lock, wanted = NODE / "package-lock.json", PEERS / "node" / "package-lock.json"
    installed = WS.exists() and lock.exists() and lock.read_bytes() == wanted.read_bytes()
    shutil.copytree(PEERS / "node", NODE, dirs_exist_ok=True)
    if installed:
        return
    print("Installing the peer on Node ...", flush=True)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=NODE, capture_output=True, check=False)


def versions() -> dict[str, str]:
    """Return the versions of what is measured."""
    command = [str(PYTHON), "-c", LIST_PACKAGES]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    installed: dict[str, str] = json.loads(output)
    found = {"python": platform.python_version()}
    found |= {name: installed[name] for name in NAMED if name in installed}
    if WS.exists():
        found["node"] = first_line("node", "--version").removeprefix("v")
        found["ws"] = json.loads(WS.read_text(encoding="utf-8"))["version"]
    if mongod := find_mongod():
        found["mongod"] = first_line(str(mongod), "--version").rpartition("v")[2]
    return found


def first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    return (done.stdout.splitlines() or [""])[0].strip()
