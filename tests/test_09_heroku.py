"""Step 09: the chat on the internet; a deploy that drops no message."""

import asyncio
import importlib
import json
import os
import platform
import signal
import sys
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError, web
from playwright.async_api import Browser, expect
from pymongo.errors import ConnectionFailure
from yarl import URL

from tests.browsing import Window
from tests.conftest import NO_LIMITS, Chat
from tests.people import (
    PASSWORD,
    PATIENCE,
    Event,
    Transcript,
    Visitor,
    goodbye,
    send_raw,
    stretched,
    within,
)
from tests.process import LoopWatch, Process, memory_settings, posix, run
from tools.mongod import Mongod

KEY = "0123456789abcdef" * 4

# Prints the options with which the chat would have been served.
OPTIONS = """
import json, runpy, sys
from aiohttp import web
web.run_app = lambda app, **options: print(json.dumps(options))
sys.path.insert(0, "")
runpy.run_module("aiochat", run_name="__main__")
"""


def use_own_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the step's own limits count."""
    for name in NO_LIMITS:
        monkeypatch.delenv(name)


def limits_of(chat: Chat) -> ModuleType:
    """The chat's own module `limits`."""
    return importlib.import_module(chat.create_app.__module__.replace(".app", ".limits"))


# --- what the host tells us --------------------------------------------------------------------


@pytest.mark.section("What the host tells us")
@pytest.mark.in_memory
async def test_production_needs_a_secret_key(folder: Path, environment: dict[str, str]) -> None:
    """With PRODUCTION=1 and no SECRET_KEY of some length, the chat refuses to start."""
    for key in ("", "short"):
        ended = await run(folder, "-m", "aiochat", PRODUCTION="1", SECRET_KEY=key)
        assert ended.returncode != 0
        assert "SECRET_KEY" in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.section("What the host tells us")
@pytest.mark.in_memory
async def test_a_setting_that_is_no_number_is_said_so(
    folder: Path, environment: dict[str, str]
) -> None:
    """A PORT that is no number ends in one sentence, not in a traceback."""
    ended = await run(folder, "-m", "aiochat", PORT="eighty")
    assert ended.returncode != 0
    assert "PORT" in ended.stderr
    assert "eighty" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.section("What the host tells us")
@pytest.mark.in_memory
async def test_a_port_that_is_taken_is_said_so(folder: Path, process: Process) -> None:
    """A port that somebody else uses ends in one sentence, not in a traceback."""
    ended = await run(folder, "-m", "aiochat", PORT=str(process.port))
    assert ended.returncode != 0
    assert str(process.port) in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.section("What the host tells us")
@pytest.mark.in_memory
async def test_it_serves_where_the_host_says(folder: Path, environment: dict[str, str]) -> None:
    """PORT is where it listens; in production everybody can reach it, else only this machine."""
    here = json.loads((await run(folder, "-c", OPTIONS, PORT="4321")).stdout)
    assert (here["host"], here["port"]) == ("127.0.0.1", 4321)
    ended = await run(folder, "-c", OPTIONS, PRODUCTION="1", SECRET_KEY=KEY)
    there = json.loads(ended.stdout)
    assert there["host"] == "0.0.0.0"
    assert there["keepalive_timeout"] > 90, "the router keeps connections for 90 s"


@pytest.mark.section("What the host tells us")
@pytest.mark.in_memory
async def test_the_host_finds_all_it_needs(folder: Path, environment: dict[str, str]) -> None:
    """Procfile, .python-version and requirements.txt are there, and git leaves .env alone."""
    assert (folder / "Procfile").read_text().startswith("web: ")
    assert (folder / ".python-version").read_text().strip() in {"3.11", "3.12", "3.13", "3.14"}
    assert ".env" in (folder / ".gitignore").read_text().split()
    requirements = (folder / "requirements.txt").read_text().split()
    assert len(requirements) >= 9
    assert all("==" in requirement for requirement in requirements)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do not hoard")
@pytest.mark.section("What the host tells us")
@pytest.mark.in_memory
async def test_the_memory_for_passwords_is_given_back(
    folder: Path, environment: dict[str, str], tmp_path: Path, transcript: Transcript
) -> None:
    """With the Procfile's settings, twenty logins leave less than 15 MB behind."""
    settings = environment | memory_settings(folder)
    async with Process(folder, tmp_path / "chat.log", **settings) as process:
        before = process.usage.memory_info().rss
        async with Visitor(process.url, "ann", 9, transcript) as ann:
            await ann.sign_up()
            await asyncio.gather(*(ann.log_in() for _ in range(20)))
        async with within(PATIENCE):  # those that were answered with 503 may still be hashed
            while process.usage.memory_info().rss - before > 15 * 1024 * 1024:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.mark.section("What the host tells us")
async def test_in_production_browsers_are_told_to_use_https(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In production browsers are told to come by HTTPS only."""
    assert "Strict-Transport-Security" not in (await (await chat.stranger()).get("/login")).headers
    monkeypatch.setenv("PRODUCTION", "1")
    await chat.restart()
    answer = await (await chat.stranger()).get("/login")
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]


# --- health ------------------------------------------------------------------------------------


@pytest.mark.section("Are you well?")
async def test_the_health_page_needs_no_login(chat: Chat) -> None:
    """/healthz answers 200 to anybody while all is well."""
    assert (await (await chat.stranger()).get("/healthz")).status == 200


@pytest.mark.section("Are you well?")
@pytest.mark.real_database
async def test_without_its_database_the_chat_is_not_well(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """/healthz answers 503 while the database is down."""
    await chat.stop()
    with Mongod(tmp_path / "mongod") as database:
        monkeypatch.setenv("MONGO_URL", str(URL(database.url) / "chat"))
        await chat.start()
        doctor = await chat.stranger()
        assert (await doctor.get("/healthz")).status == 200
        database.kill()
        async with within(3):
            assert (await doctor.get("/healthz")).status == 503


@pytest.mark.section("The 55-second silence")
async def test_a_silent_socket_is_kept_open_and_a_dead_one_noticed(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server pings before the router loses patience; who does not answer has left."""
    heartbeats: list[float] = []
    make = web.WebSocketResponse.__init__

    def faster(ws: web.WebSocketResponse, **options: Any) -> None:
        heartbeats.append(options["heartbeat"])
        make(ws, **options | {"heartbeat": stretched(options["heartbeat"] / 100)})

    monkeypatch.setattr(web.WebSocketResponse, "__init__", faster)
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    watcher = await ann.join()
    async with bob.session.ws_connect("/ws", autoping=False) as dead:
        assert 0 < heartbeats[0] < 55
        async with within(PATIENCE):
            while (await dead.receive()).type is not WSMsgType.PING:
                pass
        assert await watcher.receive("left") == {"type": "left", "user": "bob"}
        async with within(PATIENCE):
            while not dead.closed:
                await dead.receive()
    await watcher.close()


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.section("Behind a proxy")
@pytest.mark.parametrize(
    ("trust", "scheme", "status"), [("1", "http", 308), ("1", "https", 200), ("", "http", 200)]
)
async def test_who_comes_without_encryption_is_sent_to_https(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, trust: str, scheme: str, status: int
) -> None:
    """In production, when the proxy says that somebody came by http, they are sent to https."""
    monkeypatch.setenv("PRODUCTION", "1")
    monkeypatch.setenv("TRUST_PROXY", trust)
    await chat.restart()
    stranger = await chat.stranger()
    answer = await stranger.get("/login", headers={"X-Forwarded-Proto": scheme})
    assert answer.status == status
    if status == 308:
        assert answer.location == str(chat.url.with_scheme("https") / "login")


@pytest.mark.section("Behind a proxy")
async def test_a_host_that_is_none_is_refused(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Host header that names no host cannot be sent to https: 400."""
    monkeypatch.setenv("PRODUCTION", "1")
    monkeypatch.setenv("TRUST_PROXY", "1")
    await chat.restart()
    stranger = await chat.stranger()
    for host in ("a:b", "[", "::", "a:99999"):
        headers = {"Host": host, "X-Forwarded-Proto": "http"}
        assert (await stranger.get("/login", headers=headers)).status == 400, host
    # No text: aiohttp's client would leave it out.
    request = b"GET /login HTTP/1.1\r\nHost: \xff\r\nX-Forwarded-Proto: http\r\n\r\n"
    assert b" 400 " in await send_raw(chat.url, request)


@pytest.mark.section("Enough is enough")
async def test_whoever_guesses_a_password_is_slowed_down(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five wrong passwords in a minute comes 429; right ones and other people are free."""
    use_own_limits(monkeypatch)
    await chat.restart()
    ann = await chat.visitor("ann")
    assert [(await ann.log_in()).status for _ in range(12)] == [303] * 12
    await chat.visitor("bob")
    thief = await chat.stranger("ann")
    names = ["ann", "ANN", "\uff41nn", "a\uff2en", "Ann", "anN", "an\uff2e", "ann"]
    guesses = [await thief.log_in(login=name, password=f"guess of {name}") for name in names]
    assert [answer.status for answer in guesses] == [403] * 5 + [429] * 3
    assert 0 < int(guesses[-1].headers["Retry-After"]) <= 60
    assert (await thief.log_in()).status == 429, "the right one must not stand out"
    bob = await chat.stranger("bob")
    assert (await bob.log_in()).status == 303


@pytest.mark.section("Enough is enough")
async def test_guesses_at_one_name_keep_nobody_else_out(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often somebody guesses ann's password, bob logs in from the same address."""
    use_own_limits(monkeypatch)
    await chat.restart()
    await chat.visitor("ann")
    bob = await chat.visitor("bob")
    thief = await chat.stranger("ann")
    for number in range(60):
        answer = await thief.log_in(password=f"guess {number}")
    assert answer.status == 429
    assert (await bob.log_in()).status == 303


async def fail(*_: object) -> None:
    raise ConnectionFailure("The database is down.")


async def wait_forever(*_: object) -> None:
    await asyncio.Event().wait()


@pytest.mark.section("Enough is enough")
@pytest.mark.in_memory
@pytest.mark.slow
@pytest.mark.parametrize("find", [fail, wait_forever])
async def test_a_database_that_is_down_is_no_wrong_password(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, find: Callable[..., Awaitable[None]]
) -> None:
    """What the database could not look at, or not in time, does not count as a wrong password."""
    use_own_limits(monkeypatch)
    monkeypatch.setenv("WRONG_PASSWORDS_PER_MINUTE", "1")
    await chat.restart()
    models = importlib.import_module(chat.create_app.__module__.replace(".app", ".auth.models"))
    ann = await chat.stranger("ann")
    with monkeypatch.context() as down:
        down.setattr(models.Users, "find", find)
        assert (await ann.log_in()).status == 503
    assert (await ann.log_in()).status == 403  # nobody has this name; this guess counts
    assert (await ann.log_in()).status == 429


@pytest.mark.section("Enough is enough")
async def test_guesses_at_the_same_moment_count_too(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty guesses at once: five are looked at."""
    use_own_limits(monkeypatch)
    await chat.restart()
    await chat.visitor("ann")
    thief = await chat.stranger("ann")
    guesses = await asyncio.gather(*(thief.log_in(password=f"{n} times") for n in range(20)))
    statuses = [answer.status for answer in guesses]
    assert statuses.count(429) == 15
    # On a busy machine hashing may take longer than an answer.
    assert set(statuses) <= {403, 429, 503}


@pytest.mark.section("Enough is enough")
async def test_after_the_wait_the_right_password_opens(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute later your password works again."""
    use_own_limits(monkeypatch)
    await chat.restart()
    await chat.visitor("ann")
    ann = await chat.stranger("ann")
    for number in range(6):
        answer = await ann.log_in(password=f"guess {number}")
    assert answer.status == 429
    limits = limits_of(chat)
    now = limits.monotonic
    monkeypatch.setattr(limits, "monotonic", lambda: now() + 61)
    assert (await ann.log_in()).status == 303


@pytest.mark.section("Behind a proxy")
@pytest.mark.parametrize(
    ("trust", "headers", "statuses"),
    [
        # Without a proxy nobody is believed: one visitor stays one visitor.
        ("", ["1.1.1.{}"], [403] * 5 + [429] * 3),
        # A proxy's word counts: these are eight visitors.
        ("1", ["1.1.1.{}"], [403] * 8),
        # It adds its word at the end; what stands before is the visitor's own invention.
        ("1", ["1.1.1.{}, 9.9.9.9"], [403] * 5 + [429] * 3),
        ("1", ["1.1.1.{}", "9.9.9.9"], [403] * 5 + [429] * 3),
    ],
)
async def test_only_a_trusted_proxy_says_who_calls(
    chat: Chat,
    monkeypatch: pytest.MonkeyPatch,
    trust: str,
    headers: Sequence[str],
    statuses: list[int],
) -> None:
    """X-Forwarded-For counts with TRUST_PROXY=1 only, and then its last address."""
    use_own_limits(monkeypatch)
    monkeypatch.setenv("TRUST_PROXY", trust)
    await chat.restart()
    await chat.visitor("ann")
    thief = await chat.stranger("ann")
    seen = []
    for number in range(8):
        forwarded = [("X-Forwarded-For", header.format(number)) for header in headers]
        form = thief.form() | {"password": f"guess {number}"}
        seen.append((await thief.post("/login", form, headers=forwarded)).status)
    assert seen == statuses


@pytest.mark.section("Enough is enough")
async def test_many_who_try_do_not_wear_the_limits_out(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When very many have tried, the oldest tries are forgotten and logging in goes on."""
    limits = limits_of(chat)
    monkeypatch.setattr(limits, "MANY", 3)
    ann = await chat.visitor("ann")
    for number in range(10):
        assert (await ann.log_in()).status == 303
        assert (await ann.log_in(login=f"nobody {number}")).status == 403


@pytest.mark.section("Enough is enough")
@pytest.mark.in_memory
async def test_what_was_tried_long_ago_is_not_kept(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tried a minute ago and earlier is forgotten: the limits need no more memory."""
    monkeypatch.setenv("TRUST_PROXY", "1")
    await chat.restart()
    limits = limits_of(chat)
    monkeypatch.setattr(limits, "MANY", 10)
    minutes = count()
    monkeypatch.setattr(limits, "monotonic", lambda: 61.0 * next(minutes))
    crowd = await chat.stranger()
    form = {"login": "somebody", "password": "short"}
    kept = []
    tracemalloc.start()
    try:
        for addresses in (10, 30):  # as many as are kept at most, then more
            for number in range(addresses):
                headers = {"X-Forwarded-For": f"10.0.{addresses}.{number}"}
                assert (await crowd.post("/signup", form, headers=headers)).status == 400
            kept.append(memory_of(limits))
    finally:
        tracemalloc.stop()
    assert kept[1] < 2 * kept[0]


@pytest.mark.section("Enough is enough")
@pytest.mark.in_memory
async def test_names_that_are_made_up_are_not_kept(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes up names for the login beyond the limit uses up no memory with them."""
    use_own_limits(monkeypatch)
    monkeypatch.setenv("WRONG_PASSWORDS_PER_MINUTE", "1")
    await chat.restart()
    limits = limits_of(chat)
    monkeypatch.setattr(limits, "MANY", 20)
    thief = await chat.stranger()
    kept = []
    tracemalloc.start()
    try:
        for names in (50, 200):
            for number in range(names):
                answer = await thief.log_in(login=f"{names} names, number {number}")
            assert answer.status == 429
            kept.append(memory_of(limits))
    finally:
        tracemalloc.stop()
    assert kept[1] < 2 * kept[0]


def memory_of(module: ModuleType) -> int:
    """How many bytes a module has asked for and not given back, while they are traced."""
    there = tracemalloc.Filter(inclusive=True, filename_pattern=str(module.__file__))
    statistics = tracemalloc.take_snapshot().filter_traces([there]).statistics("filename")
    return sum(each.size for each in statistics)


@pytest.mark.section("Enough is enough")
async def test_whoever_tries_one_password_on_everybody_is_slowed_down(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One address may be wrong ten times as often as with one name, whatever the names."""
    use_own_limits(monkeypatch)
    monkeypatch.setenv("WRONG_PASSWORDS_PER_MINUTE", "1")
    await chat.restart()
    thief = await chat.stranger()
    names = [f"somebody {number}" for number in range(12)]
    answers = [await thief.log_in(login=name) for name in names]
    assert [answer.status for answer in answers] == [403] * 10 + [429] * 2
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.section("Enough is enough")
async def test_signing_up_in_crowds_is_slowed_down(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One address signs up fifty people in a minute, and no more."""
    use_own_limits(monkeypatch)
    await chat.restart()
    crowd = await chat.stranger()
    statuses = [
        (await crowd.post("/signup", {"login": f"no {number}", "password": "short"})).status
        for number in range(52)
    ]
    assert statuses == [400] * 50 + [429] * 2


@pytest.mark.section("Enough is enough")
async def test_a_flood_of_messages_is_cut(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred messages at once: a hundred arrive, the rest are refused; others talk on."""
    use_own_limits(monkeypatch)
    await chat.restart()
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    flood, calm = await ann.join(), await bob.join()
    for number in range(200):
        await flood.say(f"flood {number}")
    await calm.say("excuse me")
    answers: list[Event] = []
    while len(answers) < 200:
        event = await flood.receive("message", "error")
        if event.get("text") != "excuse me":
            answers.append(event)
    kinds = [event["type"] for event in answers]
    assert (kinds.count("message"), kinds.count("error")) == (100, 100)
    assert all(event["client_id"] for event in answers)
    await calm.until("excuse me")
    assert (await ann.post("/", {"text": "by the back door"})).status == 429


@pytest.mark.section("Enough is enough")
async def test_others_do_not_feel_a_flood(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one person sends two hundred messages a second, the others are heard at once."""
    use_own_limits(monkeypatch)
    await chat.restart()
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    flood, calm = await ann.join(), await bob.join()

    async def pour() -> None:
        for number in range(400):
            await flood.say(f"flood {number}")
            await asyncio.sleep(1 / 200)

    pouring = asyncio.create_task(pour())
    with LoopWatch() as watch:
        for number in range(90):
            await calm.say(f"calm {number}")
            await calm.until(f"calm {number}")
            await asyncio.sleep(1 / 50)
    pouring.cancel()
    await asyncio.gather(pouring, return_exceptions=True)
    assert watch.percentile(99) < 0.1
    assert "fast" in (await flood.receive("error"))["reason"]


@pytest.mark.section("Enough is enough")
async def test_one_person_has_ten_windows_at_most(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The eleventh window of one person is refused; close one, and there is room again."""
    use_own_limits(monkeypatch)
    await chat.restart()
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    windows = await asyncio.gather(*(ann.connect() for _ in range(15)), return_exceptions=True)
    refused = [window for window in windows if isinstance(window, WSServerHandshakeError)]
    assert [error.status for error in refused] == [429] * 5
    watcher = await bob.join()
    for socket in ann.sockets:
        await socket.close()
    await watcher.receive("left")
    await ann.join()


@pytest.mark.section("Enough is enough")
@pytest.mark.in_memory
async def test_a_window_too_many_says_so(
    chat: Chat, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page in a window too many says what is wrong; close another, and it can connect."""
    use_own_limits(monkeypatch)
    monkeypatch.setenv("SOCKETS_PER_PERSON", "1")
    await chat.restart()
    first = await Window.open(browser, chat, "ann")
    await first.connected()
    second = Window(await first.page.context.new_page(), chat)
    await second.goto("/")
    await expect(second.status).to_contain_text("too many windows")
    await first.page.close()
    await second.page.reload()
    await second.connected()


# --- a deploy ----------------------------------------------------------------------------------


@posix
@pytest.mark.section("A restart in mid-sentence")
async def test_it_runs_and_stops_as_on_the_host(
    folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """Started from the Procfile: behind a proxy; stopped: goodbye (1001) to all, within 5 s."""
    honcho = (sys.executable, "-m", "honcho", "start")
    process = Process(folder, tmp_path / "chat.log", honcho, **environment)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process.environment["PATH"] = path
    async with process, ClientSession(process.url) as session:
        form = {"login": "ann", "password": PASSWORD}
        async with session.post("/signup", data=form, allow_redirects=False) as answer:
            cookie = answer.headers["Set-Cookie"]
        assert "Secure" in cookie
        insecure = {"X-Forwarded-Proto": "http"}  # says the host's proxy
        async with session.get("/login", headers=insecure, allow_redirects=False) as answer:
            assert answer.status == 308
        headers = {"Cookie": cookie.partition(";")[0]}
        sockets = [await session.ws_connect("/ws", headers=headers) for _ in range(5)]
        process.send(signal.SIGTERM)
        async with within(PATIENCE):
            codes = [(await goodbye(socket))[1] for socket in sockets]
        assert codes == [1001] * 5
        await process.ended(5)
    # The chat has ended by itself; a shell in front of it would have died of the signal.
    assert "web.1 stopped (rc=0)" in process.output()
    assert "Traceback" not in process.output()
