"""What `check` does before the tests: it loads a learner's code and starts the chat once."""

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from tools.alarm import alarm
from tools.check_results import Refusal
from tools.own_error import OwnError, from_exception
from tools.paths import ROOT
from tools.steps import Step


def prepare() -> None:
    """Show nothing, leave nothing in the learner's folder, take nothing from this machine."""
    silence = os.open(os.devnull, os.O_WRONLY)
    for output in (1, 2):
        os.dup2(silence, output)
    os.chdir(ROOT)
    sys.dont_write_bytecode = True
    for name in ("MONGO_URL", "PRODUCTION", "PYTEST_ADDOPTS"):
        os.environ.pop(name, None)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["SECRET_KEY"] = "a key for the tests, which need no secret"
    alarm.install()
    if os.name == "posix":  # `check` hears Ctrl-C, and tells us to stop what we have started
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def load_create_app(folder: Path, step: Step) -> Callable[[], web.Application]:
    """Import a step's `create_app`, or that of a learner's own folder."""
    if folder == step.folder:
        module = importlib.import_module(f"steps.{step.name}.aiochat.app")
    else:
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        module = importlib.import_module("aiochat.app")
    create_app: Callable[[], web.Application] = module.create_app
    return create_app


def try_to_start(step: Step, folder: Path) -> Refusal | None:
    """Load the learner's code and start the chat once; return why that cannot be done."""
    alarm.set()
    try:
        app: object = load_create_app(folder, step)()
        if not isinstance(app, web.Application):
            return Refusal(f"create_app() must return the application; it returns {app!r}.")
        asyncio.run(start_and_stop(app))
    except (Exception, SystemExit) as error:
        own = from_exception(error, folder)
        return Refusal(why_not(error, own), own)
    finally:
        alarm.turn_off()
    return None


async def start_and_stop(app: web.Application) -> None:
    runner = web.AppRunner(app)
    try:
        await runner.setup()
    finally:
        await runner.cleanup()


def why_not(error: BaseException, own: OwnError | None) -> str:
    """Say, in one sentence, why the chat could not be started."""
    place = own.place if own else "aiochat"
    match error:
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] == "aiochat":
            return f"{place} imports {name}, but there is no such file in your folder."
        case ModuleNotFoundError(name=str(name)):
            return f"{place} imports {name}, which is not installed here: is it spelt right?"
        case ImportError():
            return f"{place}: {error.msg.partition(' (')[0]}."
        case AttributeError(name="create_app") if own is None:
            return "aiochat/app.py has no create_app() yet: write that first."
        case SystemExit():
            return f"{place} ends the program, and the chat with it: {error!r}."
    return f"{own or f'The chat does not start: {error}'}."
