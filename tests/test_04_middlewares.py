"""Step 04: a log, one error page, strangers sent to /login, other sites kept out."""

import asyncio
import io
import json
import signal
from collections.abc import Iterable
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError, web

from tests.cases import (
    BAD_BODIES,
    BAD_FRAMES,
    CROSS_SITE_CASES,
    HOSTILE_PATHS,
    OWN,
    SOCKET_ORIGINS,
)
from tests.conftest import Chat
from tests.people import Transcript, Visitor
from tests.process import Process, posix

HTML = {"Accept": "text/html"}
POSTS = ["/", "/login", "/signup", "/signout"]


def posts(chat: Chat) -> Iterable[str]:
    """The addresses that take a POST at this step."""
    return [path for path in POSTS if path != "/signup" or chat.step >= 5]


def headers_for(chat: Chat, headers: dict[str, str]) -> dict[str, str]:
    own = str(chat.url.origin())
    return {name: value.replace(OWN, own, 1) for name, value in headers.items()}


# --- who may come in ---------------------------------------------------------------------------


@pytest.mark.section("Who are you?")
async def test_strangers_are_sent_to_the_login(chat: Chat) -> None:
    """Without logging in, every page leads to /login."""
    stranger = await chat.stranger()
    answer = await stranger.get("/", headers=HTML)
    assert answer.status == 303
    assert answer.location.startswith("/login")
    assert (await stranger.post("/", {"text": "let me in"})).status == 303
    ann = await chat.visitor("ann")
    assert "let me in" not in (await ann.get("/")).text


@pytest.mark.section("Who are you?")
async def test_strangers_get_no_socket(chat: Chat) -> None:
    """Without logging in, there is no socket."""
    stranger = await chat.stranger()
    with pytest.raises(WSServerHandshakeError):
        await stranger.connect()


@pytest.mark.section("Who are you?")
async def test_strangers_learn_that_an_address_does_not_exist(chat: Chat) -> None:
    """An unknown address is 404 for strangers too, not a login."""
    assert (await (await chat.stranger()).get("/nowhere")).status == 404


@pytest.mark.section("Who are you?")
@pytest.mark.until(6)
@pytest.mark.parametrize("cookie", ["", "%00", "x" * 5_000, "a%0ab", "%e2%80%ae", "\udcff"])
async def test_a_cookie_that_holds_no_name_is_a_stranger_s(chat: Chat, cookie: str) -> None:
    """A cookie with something that is no name counts for nothing."""
    stranger = await chat.stranger()
    answer = await stranger.get("/", headers={"Cookie": f"user={cookie}"})
    assert answer.status == 303


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.section("One place for errors")
async def test_an_error_is_a_page_for_a_browser_and_json_for_a_program(chat: Chat) -> None:
    """Errors come as a page to a browser and as JSON to a program, with the request's id."""
    ann = await chat.visitor("ann")
    page = await ann.get("/nowhere", headers=HTML)
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["X-Request-ID"] in page.text
    program = await ann.get("/nowhere", headers={"Accept": "application/json"})
    assert program.headers["Content-Type"].startswith("application/json")
    assert program.json()["request_id"] == program.headers["X-Request-ID"]
    assert program.json()["reason"]


@pytest.mark.section("One place for errors")
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_a_mistake_of_ours_is_a_500_without_details(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    """When a view fails, the visitor sees an apology and an id; the log has the rest."""
    ann = await chat.visitor("ann")

    async def fail(request: web.Request) -> None:
        raise RuntimeError("secret details")

    monkeypatch.setattr(web.Request, "post", fail)
    answer = await ann.post("/", {"text": "hello"}, headers={"Accept": accept})
    assert answer.status == 500
    assert answer.headers["X-Request-ID"] in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.section("One place for errors")
@pytest.mark.parametrize("case", BAD_BODIES)
async def test_a_body_that_is_no_form_is_refused(chat: Chat, case: str) -> None:
    """A body that is not the form we expect is answered with 400 or 413, never 500."""
    ann = await chat.visitor("ann")
    headers, body = BAD_BODIES[case]
    for path in posts(chat):
        answer = await ann.request("POST", path, data=io.BytesIO(body), headers=headers)
        if path == "/signout" and answer.status == 303:
            assert headers["Content-Type"] or not body
            ann = await chat.stranger()
            continue
        assert answer.status in {400, 413}, path


@pytest.mark.section("One place for errors")
async def test_no_address_breaks_the_chat(chat: Chat) -> None:
    """Whatever address somebody tries: the answer is never a 500."""
    ann = await chat.visitor("ann")
    for path in HOSTILE_PATHS:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            answer = await ann.request(method, path, encoded=True)
            assert answer.status < 500, f"{method} {path}"
            assert "root:" not in answer.text


@pytest.mark.section("One place for errors")
async def test_every_answer_has_the_security_headers(chat: Chat) -> None:
    """All answers tell the browser to guess nothing and to show the chat in no frame."""
    ann = await chat.visitor("ann")
    answers = [
        await ann.get("/"),
        await ann.get("/login"),
        await ann.post("/", {"text": "x"}),
        await ann.post("/", {"text": ""}),
        await ann.get("/nowhere"),
        await ann.request("DELETE", "/"),
        await (await chat.stranger()).get("/"),
    ]
    headers = [answer.headers for answer in answers]
    headers.append((await ann.connect()).ws._response.headers)
    for header in headers:
        assert header["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in header["Content-Security-Policy"]
        assert header["Referrer-Policy"] == "same-origin"
        assert "Server" not in header


# --- other sites -------------------------------------------------------------------------------


@pytest.mark.section("Other people's pages")
@pytest.mark.parametrize("case", CROSS_SITE_CASES)
async def test_other_sites_cannot_post_in_your_name(chat: Chat, case: str) -> None:
    """A form on another site cannot post here."""
    headers, welcome = CROSS_SITE_CASES[case]
    ann = await chat.visitor("ann")
    for path in posts(chat):
        answer = await ann.post(path, {"text": "hello"}, headers=headers_for(chat, headers))
        assert (answer.status != 403) == welcome, path
        if path == "/signout" and welcome:
            ann = await chat.stranger()
    bob = await chat.visitor("bob")
    assert ("hello" in (await bob.get("/")).text) == welcome


@pytest.mark.section("Other people's pages")
@pytest.mark.parametrize("case", SOCKET_ORIGINS)
async def test_other_sites_cannot_open_your_socket(chat: Chat, case: str) -> None:
    """A page on another site cannot open a socket here."""
    origin, welcome = SOCKET_ORIGINS[case]
    ann = await chat.visitor("ann")
    headers = headers_for(chat, {"Origin": origin} if origin else {})
    if welcome:
        socket = await ann.connect(**headers)
        assert (await socket.receive("here"))["users"] == ["ann"]
    else:
        with pytest.raises(WSServerHandshakeError, match="403"):
            await ann.connect(**headers)


@pytest.mark.section("Other people's pages")
async def test_links_from_other_sites_work(chat: Chat) -> None:
    """A link on another site may lead here."""
    ann = await chat.visitor("ann")
    assert (await ann.get("/", headers={"Sec-Fetch-Site": "cross-site"})).status == 200


# --- the socket --------------------------------------------------------------------------------


@pytest.mark.section("Errors on the socket")
async def test_a_mistake_of_ours_closes_the_socket_in_order(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the code behind a socket fails, the socket is closed with 1011."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    decode = json.loads

    def fail(data: str | bytes, **options: Any) -> Any:
        if "boom" in str(data):
            raise RuntimeError("boom")
        return decode(data, **options)

    monkeypatch.setattr(json, "loads", fail)
    await socket.say("boom")
    assert await socket.closed() == 1011


@pytest.mark.section("Errors on the socket")
async def test_no_frame_breaks_the_socket(chat: Chat) -> None:
    """Sixty frames of nonsense: an error for each, and the socket stays open."""
    socket = await (await chat.visitor("ann")).join()
    assert len(BAD_FRAMES) >= 60 - 3
    for frame in BAD_FRAMES:
        await socket.send_text(frame)
        event = await socket.receive("error", "message")
        assert event["type"] == "error", frame
    await socket.say("still here")
    assert await socket.texts(1) == ["still here"]


@pytest.mark.section("Errors on the socket")
@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\x00", "\u202etxet", "🦉" * 1_000])
async def test_odd_characters_harm_nobody(chat: Chat, text: str) -> None:
    """Half characters, zeros and right-to-left marks: the history stays readable."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    await socket.say(text)
    event = await socket.receive("message", "error")
    assert event["type"] in {"message", "error"}
    await ann.post("/", {"text": "after it"})
    assert await socket.texts(1) == ["after it"]
    assert (await ann.get("/")).status == 200


# --- the log -----------------------------------------------------------------------------------

NASTY = "/no%0d%0awhere%1b[31m%22%20%ff?password=hunter2"


@posix
@pytest.mark.section("The log")
async def test_a_request_is_one_clean_line_in_the_log(
    chat: Chat, process: Process, transcript: Transcript
) -> None:
    """Each request is one line in the log: with its id, without secrets or control characters."""
    name = 'ann" [quoted]'
    async with Visitor(process.url, name, chat.step, transcript) as ann:
        await ann.sign_up()
        answer = await ann.get(NASTY, encoded=True, headers={"User-Agent": 'x"y'})
        socket = await ann.join()
        await socket.say("do not log me")
        await socket.texts(1)
        await socket.close()
        await ann.post("/signout")
        await ann.get("/the-end")
    process.send(signal.SIGINT)
    await process.ended(10)
    log = process.output()
    assert "/the-end" in log
    lines = [line for line in log.splitlines() if answer.headers["X-Request-ID"] in line]
    assert len(lines) == 1
    assert "404" in lines[0]
    for secret in ("hunter2", "do not log me", "a long enough password", "Cookie", "\x1b", "\r"):
        assert secret not in log


@pytest.mark.section("The log")
async def test_what_is_not_http_is_refused_and_the_chat_goes_on(chat: Chat) -> None:
    """Bytes that are not HTTP are answered with 400, and everybody else is served."""
    ann = await chat.visitor("ann")
    for data in (b"\x00\xff\xfe\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"FOO\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", chat.url.port)
        writer.write(data)
        async with asyncio.timeout(10):
            line = await reader.readline()
        writer.close()
        assert b" 400 " in line
    assert (await ann.get("/")).status == 200
