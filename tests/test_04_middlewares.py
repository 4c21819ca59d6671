"""Step 04: a log, one error page, strangers sent to /login, other sites kept out."""

import io
import json
import signal
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web

from tests import properties
from tests.cases import (
    BAD_BODIES,
    CROSS_SITE_CASES,
    FORM,
    HOSTILE_PATHS,
    OWN,
    SOCKET_ORIGINS,
)
from tests.conftest import Chat
from tests.people import PASSWORD, Transcript, Visitor, send_raw
from tests.process import Process, posix

HTML = {"Accept": "text/html"}
POSTS = ["/", "/login", "/signout"]


def headers_for(chat: Chat, headers: dict[str, str]) -> dict[str, str]:
    own = str(chat.url.origin())
    return {name: value.replace(OWN, own, 1) for name, value in headers.items()}


# --- who may come in ---------------------------------------------------------------------------


@pytest.mark.section("Who are you?")
async def test_strangers_are_sent_to_the_login(chat: Chat) -> None:
    """Without logging in, every page leads to /login; what does not exist is 404 all the same."""
    stranger = await chat.stranger()
    answer = await stranger.get("/", headers=HTML)
    assert answer.status == 303
    assert answer.location.startswith("/login")
    assert (await stranger.get("/nowhere", headers=HTML)).status == 404
    assert (await stranger.post("/", {"text": "let me in"})).status == 303
    ann = await chat.visitor("ann")
    assert "let me in" not in (await ann.get("/")).text


@pytest.mark.section("Who are you?")
async def test_strangers_get_no_socket(chat: Chat) -> None:
    """Without logging in, there is no socket."""
    assert await (await chat.stranger()).knock() != 101


@pytest.mark.section("Who are you?")
@pytest.mark.until(6)
async def test_a_cookie_that_holds_no_name_is_a_stranger_s(chat: Chat) -> None:
    """A cookie with something that is no name counts for nothing."""
    stranger = await chat.stranger()
    for cookie in ("", "%00", "x" * 5_000, "a%0ab", "%e2%80%ae"):
        answer = await stranger.get("/", headers={"Cookie": f"user={cookie}"})
        assert answer.status == 303
    # No text: aiohttp's client would leave it out.
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: user=\xff\r\n\r\n"
    assert b" 303 " in await send_raw(chat.url, request)


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
async def test_a_body_that_is_no_form_is_refused(chat: Chat) -> None:
    """A body that is not the form we expect is answered with 400 or 413, never 500."""
    ann = await chat.visitor("ann")
    for case, (headers, body) in BAD_BODIES.items():
        for path in POSTS:
            if path == "/signout" and headers == FORM:
                continue  # it is a form, and signing out needs no field
            answer = await ann.request("POST", path, data=io.BytesIO(body), headers=headers)
            assert answer.status in {400, 413}, f"{case} to {path}"


@pytest.mark.section("One place for errors")
async def test_no_address_breaks_the_chat(chat: Chat) -> None:
    """Whatever address somebody tries: the answer is never a 500, and has an id."""
    ann = await chat.visitor("ann")
    for path in HOSTILE_PATHS:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            answer = await ann.request(method, path, encoded=True)
            assert answer.status < 500, f"{method} {path}"
            assert "X-Request-ID" in answer.headers, f"{method} {path}"
            assert "root:" not in answer.text


@pytest.mark.section("One place for errors")
async def test_an_answer_from_before_the_middlewares_has_the_headers_too(chat: Chat) -> None:
    """A request that aiohttp itself refuses is answered in order, with our headers."""
    stranger = await chat.stranger()
    answer = await stranger.post("/login", headers={"Expect": "miracles"})
    assert answer.status == 417
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.section("One place for errors")
async def test_every_answer_has_the_security_headers(chat: Chat) -> None:
    """All answers tell the browser: guess nothing, and let no page frame or bend this one."""
    ann = await chat.visitor("ann")
    answers = [
        await ann.get("/"),
        await ann.get("/", headers={"Origin": "https://elsewhere.example"}),
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
        rules = header["Content-Security-Policy"].split("; ")
        policy = dict(rule.split(" ", 1) for rule in rules)
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy.get("object-src", policy.get("default-src")) == "'none'"
        assert header["Referrer-Policy"] == "same-origin"
        assert "Server" not in header
        assert "Access-Control-Allow-Origin" not in header


# --- other sites -------------------------------------------------------------------------------


@pytest.mark.section("Other people's pages")
async def test_other_sites_cannot_post_in_your_name(chat: Chat) -> None:
    """A form on another site cannot post here, though a link may lead here."""
    bob = await chat.visitor("bob")
    for number, (case, (given, welcome)) in enumerate(CROSS_SITE_CASES.items()):
        headers = headers_for(chat, given)
        ann = await chat.visitor(f"ann {number}")
        assert (await ann.get("/", headers=headers)).status == 200
        for path in POSTS:
            answer = await ann.post(path, {"text": f"<{case}>"}, headers=headers)
            if welcome:
                assert answer.status != 403, f"{case}: {path}"
            else:
                assert answer.status == 403, f"{case}: {path}"
        page = unescape((await bob.get("/")).text)
        assert (f"<{case}>" in page) == welcome, case


@pytest.mark.section("Other people's pages")
async def test_other_sites_cannot_open_your_socket(chat: Chat) -> None:
    """A page on another site cannot open a socket here."""
    ann = await chat.visitor("ann")
    for case, (origin, welcome) in SOCKET_ORIGINS.items():
        headers = headers_for(chat, {"Origin": origin} if origin else {})
        assert await ann.knock(**headers) == (101 if welcome else 403), case


# --- the socket --------------------------------------------------------------------------------


@pytest.mark.section("Errors on the socket")
async def test_a_mistake_of_ours_closes_the_socket_in_order(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the code behind a socket fails, it is closed with 1011, and the others are told."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    watcher, socket = await bob.join(), await ann.join()
    decode = json.loads

    def fail(data: str | bytes, **options: Any) -> Any:
        if "boom" in str(data):
            raise RuntimeError("boom")
        return decode(data, **options)

    monkeypatch.setattr(json, "loads", fail)
    await socket.say("boom")
    assert await socket.closed() == 1011
    assert await watcher.receive("left") == {"type": "left", "user": "ann"}


# --- the log -----------------------------------------------------------------------------------

# What is not HTTP, and holds what nobody should read.
NOT_HTTP = [
    b"GET /?password=hunter2 HTTP/1.1\r\nno header: \xff\r\n\r\n",
    b"POST /login HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\npassword=hunter2\r\n",
    b"GET / HTTP/1.1\r\nCookie: " + b"hunter2" * 2_000 + b"\r\n\r\n",
]

NASTY = "/no%0d%0awhere%1b[31m%22%20%ff?password=hunter2"


@posix
@pytest.mark.section("The log")
@pytest.mark.in_memory
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
        await ann.connect(**{"Sec-WebSocket-Protocol": "hunter2"})
        await ann.post("/signout")
        for data in NOT_HTTP:
            await send_raw(process.url, data)
        await ann.get("/the-end")
    process.send(signal.SIGINT)
    await process.ended(10)
    log = process.output()
    assert "/the-end" in log
    assert log.count("Error handling request") == len(NOT_HTTP)
    assert "Traceback" not in log
    lines = [line for line in log.splitlines() if answer.headers["X-Request-ID"] in line]
    assert len(lines) == 1
    assert "404" in lines[0]
    for secret in ("hunter2", "do not log me", PASSWORD, "Cookie", "\x1b", "\r"):
        assert secret not in log


# --- whatever it is ----------------------------------------------------------------------------


@pytest.mark.section("One place for errors")
@pytest.mark.in_memory
@properties.for_any(headers=properties.form_headers, body=properties.form_bodies)
async def test_whatever_is_posted_is_taken_or_refused(
    chat: Chat, ann: Visitor, caplog: pytest.LogCaptureFixture, headers: dict[str, str], body: bytes
) -> None:
    """Any bytes as a form, with any headers: never a 500, and what is refused changes nothing."""
    headers |= {"Connection": "close"}  # as aiohttp does where it cannot read on
    before = (await ann.get("/")).text
    answer = await ann.request("POST", "/", data=io.BytesIO(body), headers=headers)
    assert answer.status in {303, 400, 413}
    assert ((await ann.get("/")).text == before) == (answer.status != 303)
    stranger = await chat.stranger()
    for path in ("/login", "/signout"):
        answer = await stranger.request("POST", path, data=io.BytesIO(body), headers=headers)
        assert answer.status in {303, 400, 403, 413}
    assert properties.errors(caplog) == []


@pytest.mark.section("One place for errors")
@pytest.mark.in_memory
@properties.for_any(60, method=properties.methods, path=properties.paths)
async def test_whatever_address_is_asked_for_there_is_an_answer(
    ann: Visitor, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    """Any address, asked for in any way: never a 500, and nothing fails in the log."""
    answer = await ann.request(method, path, encoded=True)
    assert answer.status < 500
    assert "X-Request-ID" in answer.headers
    assert properties.errors(caplog) == []


@pytest.mark.section("Other people's pages")
@pytest.mark.in_memory
@properties.for_any(around=properties.around_our_origin, site=properties.other_sites)
async def test_whatever_site_is_not_ours_cannot_post_here(
    chat: Chat, ann: Visitor, around: tuple[str, str], site: str
) -> None:
    """Any Origin and any Sec-Fetch-Site but our own: 403, and nothing is said."""
    page = (await ann.get("/")).text
    before, after = around
    origin = f"http://{before}{chat.url.authority}{after}"
    for headers in ({"Origin": origin}, {"Origin": after}, {"Sec-Fetch-Site": site}):
        answer = await ann.post("/", {"text": "not mine"}, headers=headers)
        assert answer.status == 403
        assert await ann.knock(**headers) == 403
    assert (await ann.get("/")).text == page


@pytest.mark.section("Who are you?")
@pytest.mark.in_memory
@pytest.mark.until(6)
@properties.for_any(name=properties.names)
async def test_whatever_the_cookie_holds_is_a_name_or_counts_for_nothing(
    chat: Chat, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Any text in the cookie: you are called that, or you are a stranger."""
    stranger = await chat.stranger()
    cookie = f"user={quote(name)}"
    answer = await stranger.get("/", headers={"Cookie": cookie})
    assert answer.status == (200 if properties.is_name(name) else 303)
    if properties.is_name(name):
        socket = await stranger.connect(Cookie=cookie)
        assert properties.as_kept(name) in (await socket.receive("here"))["users"]
        await socket.close()
    assert properties.errors(caplog) == []
