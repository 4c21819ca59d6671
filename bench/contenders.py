"""Who is measured: ours, the peers, and the limits."""

from dataclasses import dataclass
from typing import Literal

from bench.environment import BUILD, NODE, PYTHON

BOTH = ("asyncio", "uvloop")
NONE = ("",)  # for who has no event loop of Python's

# How python-socketio wraps what ours sends as it is.
SOCKETIO = (
    *("--path", "/socket.io/?EIO=4&transport=websocket", "--hello", "40", "--ready", "40"),
    *("--before", '42["message",{"type": "message", "text": "', "--after", '"}]'),
)


@dataclass(frozen=True)
class Contender:
    """A server that is measured."""

    name: str  # as results call it
    title: str  # as tables call it
    command: tuple[str, ...]  # with {port} and {loop} where they belong
    loops: tuple[str, ...] = BOTH
    load: tuple[str, ...] = ()  # what the load generator has to know about it
    session: Literal["", "signup", "login"] = ""  # how a client gets its cookie, if it needs one
    mongod: bool = False  # whether it needs a database
    quick: bool = False  # whether it takes part when there is little time


def python(module: str, *arguments: str) -> tuple[str, ...]:
    return (*without_loop(module, *arguments), "--loop", "{loop}")


def without_loop(module: str, *arguments: str) -> tuple[str, ...]:
    return (str(PYTHON), "-m", f"bench.peers.{module}", *arguments, "--port", "{port}")


# mongod shares a core with the load, which must sleep when it has nothing to do.
PATIENT = ("--patient",)

LAST_STEP = python("step", "09_heroku")

CHATS = (
    Contender("step03", "**ours, step 03**", python("step", "03_views"), quick=True),
    Contender("step09", "**ours, step 09**, store in memory", LAST_STEP, session="signup"),
    Contender(
        "step09_mongod",
        "**ours, step 09**, store on mongod",
        LAST_STEP,
        load=PATIENT,
        session="signup",
        mongod=True,
    ),
    Contender("naive", "aiohttp, one after the other", python("aiohttp_naive"), quick=True),
    Contender("gather", "aiohttp, `gather`", python("aiohttp_gather")),
    Contender("websockets", "`websockets.broadcast()`", python("websockets_broadcast"), quick=True),
    Contender("starlette", "Starlette, uvicorn", python("starlette_uvicorn"), quick=True),
    Contender("fastapi", "FastAPI, uvicorn", python("fastapi_uvicorn")),
    Contender("sanic", "Sanic", python("sanic_server")),
    Contender("tornado", "Tornado", python("tornado_server")),
    Contender(
        "socketio",
        "python-socketio, aiohttp",
        python("socketio_aiohttp"),
        load=SOCKETIO,
        quick=True,
    ),
    Contender(
        "channels",
        "Django Channels, daphne, layer in memory",
        python("channels_daphne"),
        ("asyncio",),
    ),
    Contender(
        "picows", "limit: picows in C, gathering as ours does", python("picows_corked"), quick=True
    ),
    Contender(
        "node", "a look over the fence: `ws` on Node", ("node", f"{NODE}/server.js", "{port}"), NONE
    ),
    Contender("bare", "limit: bare `send()` in C", (f"{BUILD}/bare", "{port}"), NONE, quick=True),
)

# All but the bare one, which takes no care of those who do not read, nor of memory.
SERVERS = tuple(one for one in CHATS if one.name != "bare")

# What the step would be if it stored one message after the other, and what it is.
STORES = (
    Contender(
        "step09_mongod",
        "**ours, step 09**: all that waits in one round trip",
        LAST_STEP,
        ("asyncio",),
        load=PATIENT,
        session="signup",
        mongod=True,
        quick=True,
    ),
    Contender(
        "in_order",
        "one insert for each message, in one order",
        (*LAST_STEP, "--one-insert-each", "--in-order"),
        ("asyncio",),
        load=PATIENT,
        session="signup",
        mongod=True,
        quick=True,
    ),
    Contender(
        "any_order",
        "one insert for each message, all at once, in any order",
        (*LAST_STEP, "--one-insert-each"),
        ("asyncio",),
        load=PATIENT,
        session="signup",
        mongod=True,
        quick=True,
    ),
    Contender(
        "step09",
        "**ours, step 09**, store in memory",
        LAST_STEP,
        ("asyncio",),
        load=PATIENT,
        session="signup",
    ),
)


def gunicorn(app: str) -> tuple[str, ...]:
    command = (str(PYTHON), "-m", "gunicorn", "--bind", "127.0.0.1:{port}")
    options = ("--workers", "1", "--threads", "8", "--log-level", "warning")
    return (*command, *options, f"bench.peers.{app}:app")


PAGES = (
    Contender("aiohttp", "**aiohttp**", python("pages_aiohttp"), session="login", quick=True),
    Contender("starlette", "Starlette, uvicorn", python("pages_starlette"), session="login"),
    Contender("tornado", "Tornado", python("pages_tornado"), session="login", quick=True),
    Contender(
        "twisted", "twisted.web", without_loop("pages_twisted"), NONE, session="login", quick=True
    ),
    Contender(
        "flask", "Flask, gunicorn", gunicorn("pages_flask"), NONE, session="login", quick=True
    ),
    Contender("django", "Django, gunicorn", gunicorn("pages_django"), NONE, session="login"),
)
