"""`run`: serve a project folder just as `python -m aiochat` does there."""

import errno
import os
import runpy
import secrets
import signal
import sys
import threading
import traceback
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from aiohttp import web

from tools.mongod import Mongod
from tools.paths import DATA
from tools.problem import Problem
from tools.steps import FIRST_WITH_DATABASE, Step, find_folder, find_step, match_step

MONGO_DATA = DATA / "mongo"


def run(target: str, *, port: int | None, open_browser: bool, mongo: bool) -> int:
    """Serve a step or somebody's own folder until Ctrl-C, and return the exit code.

    Raises Problem when the port is taken or the database does not start.
    """
    folder, step = find_folder(target), match_step(target)
    if mongo and step and not step.has_database:
        first = find_step(str(FIRST_WITH_DATABASE))
        raise Problem(f"Step {step.name} has no database yet: it comes with {first.name}.", 2)
    # Being told to stop is an interrupt too, from the first moment on: mongod must stop with us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def announce(address: str) -> None:
        print(f"{folder.name} runs on {address}. Stop it with Ctrl-C.", flush=True)
        for line in where_messages_are(step, mongo):
            print(line, flush=True)
        if open_browser:
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()

    with ExitStack() as stack:
        try:
            if mongo:
                os.environ["MONGO_URL"] = stack.enter_context(Mongod(MONGO_DATA)).url + "chat"
            os.environ.setdefault("SECRET_KEY", secret_key())
            return serve(folder, port, announce)
        except KeyboardInterrupt:
            return 0


def where_messages_are(step: Step | None, mongo: bool) -> list[str]:
    """Say what becomes of the messages when the chat stops; nothing, if we cannot know."""
    if mongo:
        return [f"Messages are kept in {MONGO_DATA}, and are there the next time."]
    if step is None:
        return []
    if not step.has_socket:
        return ["There are no messages to keep yet."]
    if not step.has_database:
        return ["Messages are kept in memory, and are gone when it stops."]
    if os.environ.get("MONGO_URL"):
        return ["Messages are kept in the database that MONGO_URL names."]
    return ["Messages are kept in memory, and are gone when it stops: --mongo keeps them."]


def secret_key() -> str:
    """Return the key for this machine's cookies: made once, so that people stay signed in."""
    path = DATA / "secret_key"
    DATA.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    if not path.read_text(encoding="utf-8"):
        path.write_text(secrets.token_hex(32), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def serve(folder: Path, port: int | None, announce: Callable[[str], None]) -> int:
    """Run the `aiochat` of a folder, on `port` if given, and return the exit code.

    `announce` is called with its address once it listens. An error in its code shows as its own.
    """
    run_app = web.run_app

    def run_app_here(app: web.Application, **options: Any) -> None:
        chosen = port or options.get("port") or 8080
        address = f"http://127.0.0.1:{chosen}"
        options |= {"port": chosen, "print": lambda _: announce(address)}
        try:
            run_app(app, **options)
        except OSError as error:
            if problem := port_problem(error, chosen):
                raise problem from error
            raise

    web.run_app = run_app_here  # type: ignore[assignment]
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        runpy.run_module("aiochat", run_name="__main__", alter_sys=True)
    except Problem:
        raise
    except Exception as error:
        print_own_traceback(error, folder)
        return 1
    return 0


def port_problem(error: OSError, port: int) -> Problem | None:
    """Return what the system meant by not giving us the port, if that is what it meant."""
    if error.errno == errno.EADDRINUSE:
        return Problem(
            f"Port {port} is taken, perhaps by a chat that still runs: "
            f"stop that one, or choose another port with --port {8081 if port != 8081 else 8082}."
        )
    if error.errno == errno.EACCES:
        return Problem(f"The system keeps port {port} for itself: choose another with --port 8081.")
    return None


def print_own_traceback(error: Exception, folder: Path) -> None:
    """Print the part of a traceback that begins in the given folder."""
    trace = error.__traceback__
    while trace and not Path(trace.tb_frame.f_code.co_filename).is_relative_to(folder):
        trace = trace.tb_next
    traceback.print_exception(error.with_traceback(trace))
