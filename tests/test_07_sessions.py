"""Step 07: sign up, log in, log out; nobody can be you."""

import asyncio
import random
import re
import string
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from unicodedata import normalize
from uuid import uuid4

import ada_url
import pytest
from aiohttp import web
from playwright.async_api import Browser, expect
from yarl import URL

from tests import properties
from tests.browsing import Window
from tests.cases import NEXT_PATHS
from tests.conftest import ANSWER_SECONDS, Chat
from tests.line import Line
from tests.people import (
    PASSWORD,
    PATIENCE,
    Answer,
    Transcript,
    Visitor,
    send_raw,
    small_listener,
    within,
)
from tests.process import LoopWatch, Process, least_work, run
from tests.test_03_views import say_much
from tests.test_05_database import PRINT_SETTINGS
from tools.mongod import Mongod

LETTERS = string.ascii_letters + string.digits + "-_"


def token(person: Visitor) -> str:
    """The value of a person's cookie."""
    [cookie] = person.session.cookie_jar
    return cookie.value


def copied_cookie(person: Visitor) -> str:
    """A person's cookie, as a thief would send it."""
    [cookie] = person.session.cookie_jar
    return f"{cookie.key}={cookie.value}"


async def get_with(person: Visitor, value: str) -> int:
    """The status of the page for whoever sends a session cookie of this value."""
    return await get_with_cookie(person, f"session={value}")


async def get_with_cookie(person: Visitor, cookie: str) -> int:
    """The status of the page for whoever sends this cookie."""
    answer = await person.get("/", headers={"Cookie": cookie})
    return answer.status


# --- passwords ---------------------------------------------------------------------------------


@pytest.mark.section("A password for every name")
async def test_only_the_right_password_opens_the_door(chat: Chat) -> None:
    """Your name with another password is answered with 403."""
    await chat.visitor("ann")
    thief = await chat.stranger("ann")
    for wrong in ("", "wrong", PASSWORD + " ", PASSWORD.upper(), PASSWORD[:-1]):
        assert (await thief.log_in(password=wrong)).status == 403
    assert (await thief.get("/")).status == 303
    assert (await thief.log_in()).status == 303
    assert (await thief.get("/")).status == 200


@pytest.mark.section("A password for every name")
async def test_a_wrong_name_and_a_wrong_password_look_the_same(chat: Chat) -> None:
    """An unknown name is answered exactly as a wrong password: nobody learns who is here."""
    await chat.visitor("somebody")
    known, unknown = await chat.stranger("somebody"), await chat.stranger("nobody")
    wrong = await known.log_in(password="not the password")
    ghost = await unknown.log_in(password="not the password")
    assert wrong.status == ghost.status == 403
    assert wrong.text.replace("somebody", "nobody") == ghost.text


@pytest.mark.section("Hashing takes time")
async def test_an_unknown_name_takes_as_long_as_a_wrong_password(chat: Chat) -> None:
    """The chat works as much for an unknown name: a clock does not tell who is here either."""
    await chat.visitor("somebody")
    spent = {}
    for name in ("somebody", "nobody"):
        stranger = await chat.stranger(name)
        before = time.process_time()
        for _ in range(5):
            assert (await stranger.log_in(password="not the password")).status == 403
        spent[name] = time.process_time() - before
    assert spent["nobody"] > 0.6 * spent["somebody"]


@pytest.mark.section("A password for every name")
async def test_a_password_is_long_and_not_the_first_guess(chat: Chat) -> None:
    """8 to 128 characters of any kind, and none of those that everybody tries first."""
    person = await chat.stranger()
    for password in ("", "1234567", "password", "PassWord1", "newcomer", "x" * 129):
        form = {"login": "newcomer", "password": password}
        assert (await person.post("/signup", form)).status == 400
    full_width = "".join(chr(ord(letter) + 0xFEE0) for letter in "NEWCOMER")
    form = {"login": full_width, "password": "newcomer"}
    assert (await person.post("/signup", form)).status == 400
    good = ("ten letter", "x" * 128, "correct horse battery staple", "päßwörter", "🦉" * 8)
    for number, password in enumerate(good):
        form = {"login": f"newcomer {number}", "password": password}
        assert (await person.post("/signup", form)).status == 303


@pytest.mark.section("A password for every name")
@pytest.mark.parametrize(
    ("path", "use"), [("/signup", "new-password"), ("/login", "current-password")]
)
async def test_a_password_is_hidden_and_password_managers_know_it(
    chat: Chat, path: str, use: str
) -> None:
    """What is typed as the password is hidden, and password managers know the field."""
    page = await (await chat.stranger()).get(path)
    field = re.search(r'<input\b[^>]*\bname="password"[^>]*>', page.text)
    assert field
    assert 'type="password"' in field[0]
    assert f'autocomplete="{use}"' in field[0]


@pytest.mark.section("A password for every name")
async def test_every_character_of_a_password_counts(chat: Chat) -> None:
    """Long passwords are not cut: the last of 128 characters counts too."""
    person = await chat.stranger("ann")
    await person.post("/signup", {"login": "ann", "password": "x" * 127 + "y"})
    assert (await person.log_in(password="x" * 127 + "z")).status == 403
    assert (await person.log_in(password="x" * 127 + "y")).status == 303


@pytest.mark.section("A password for every name")
async def test_keyboards_that_write_a_letter_differently_agree(chat: Chat) -> None:
    """é as one character or as e and an accent: the same password."""
    password = "café au lait"
    person = await chat.stranger("ann")
    await person.post("/signup", {"login": "ann", "password": normalize("NFC", password)})
    assert (await person.log_in(password=normalize("NFD", password))).status == 303
    assert (await person.log_in(password="cafe au lait")).status == 403


@pytest.mark.section("Hashing takes time")
@pytest.mark.slow
@pytest.mark.parametrize("come", [Visitor.log_in, Visitor.sign_up], ids=["log in", "sign up"])
async def test_hashing_holds_nobody_up(
    chat: Chat, come: Callable[[Visitor], Coroutine[None, None, Answer]]
) -> None:
    """While fifty people log in or sign up at once, the chat answers everybody else at once."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    names = ["ann" if come is Visitor.log_in else f"ann {number}" for number in range(50)]
    people = [await chat.stranger(name) for name in names]
    with LoopWatch() as watch:
        coming = asyncio.gather(*map(come, people))
        delivered = 0
        while not coming.done():
            await socket.say("still talking")
            await socket.receive("message")
            delivered += 1
    statuses = {answer.status for answer in await coming}
    assert 303 in statuses
    assert statuses <= {303, 503}  # a busy machine sends away whoever would wait too long
    assert delivered >= 10, "the chat stood still while passwords were hashed"
    assert watch.percentile(99) < 0.1


@pytest.mark.section("Hashing takes time")
@pytest.mark.in_memory
async def test_a_crowd_at_the_login_needs_little_memory(
    chat: Chat, process: Process, transcript: Transcript
) -> None:
    """While fifty people log in at once, the chat needs less than 150 MB more."""
    async with Visitor(process.url, "ann", chat.step, transcript) as ann:
        await ann.sign_up()
        before = most = process.usage.memory_info().rss
        logins = asyncio.gather(*(ann.log_in() for _ in range(50)))
        while not logins.done():
            most = max(most, process.usage.memory_info().rss)
            await asyncio.sleep(0.005)  # look again while they are hashed
        assert {answer.status for answer in await logins} <= {303, 503}
    assert 10 * 1024 * 1024 < most - before < 150 * 1024 * 1024


@pytest.mark.section("Hashing takes time")
async def test_a_password_with_endless_accents_holds_nobody_up(chat: Chat) -> None:
    """A password that is far too long is refused before anybody has to wait for it."""
    ann = await chat.visitor("ann")
    password = "a" + "\u0301" * 5_000 + "\u0323" * 5_000
    assert await least_work(lambda: ann.log_in(password=password), 403) < 0.1


# --- the cookie --------------------------------------------------------------------------------


@pytest.mark.section("A cookie that nobody can make")
async def test_the_cookie_keeps_its_secrets_and_its_distance(chat: Chat) -> None:
    """The cookie is encrypted, out of reach for scripts and other sites' forms, and ends."""
    ann = await chat.stranger("ann")
    answer = await ann.sign_up()
    cookie = answer.headers["Set-Cookie"]
    assert "ann" not in cookie
    for attribute in ("HttpOnly", "SameSite=Lax", "Max-Age=", "Path=/"):
        assert attribute in cookie


@pytest.mark.section("A cookie that nobody can make")
async def test_in_production_the_cookie_travels_over_https_only(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PRODUCTION=1 the cookie is marked Secure."""
    monkeypatch.setenv("PRODUCTION", "1")
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdef" * 4)
    await chat.restart()
    ann = await chat.stranger("ann")
    assert "Secure" in (await ann.sign_up()).headers["Set-Cookie"]


@pytest.mark.section("A cookie that nobody can make")
@pytest.mark.slow
async def test_a_cookie_that_was_tampered_with_is_a_stranger_s(chat: Chat, quick: bool) -> None:
    """Cookies changed, cut, made up, huge or not even text: nobody gets in, nothing breaks."""
    ann = await chat.visitor("ann")
    good = token(ann)
    assert await get_with(ann, good) == 200
    bad = list(bad_cookies(good, 100 if quick else 1_600))
    stranger = await chat.stranger()
    assert {await get_with(stranger, value) for value in bad} == {303}
    for data in (b"\xff\xfe", b"\xed\xa0\x80", b'"\xff"', good.encode() + b"\xff"):
        request = b"GET / HTTP/1.1\r\nHost: x\r\nCookie: session=%b\r\n\r\n" % data
        assert b" 303 " in await send_raw(chat.url, request), data


def bad_cookies(good: str, count: int) -> Iterator[str]:
    """So many values that are not quite a good one, or nothing like it."""
    yield from ("", "x", "a" * 4_000, "%00", "é", "gAAAAA==", '{"session": "ann"}')
    end = len(good) - 4  # behind it, different letters may mean the same bytes
    chance = random.Random(7)
    for number in range(count):
        at = chance.randrange(end)
        letter = chance.choice([letter for letter in LETTERS if letter != good[at]])
        match number % 4:
            case 0:  # cut
                yield good[:at]
            case 1:  # one letter changed
                yield good[:at] + letter + good[at + 1 :]
            case 2:  # one letter more
                yield good[:at] + letter + good[at:]
            case _:  # made up
                yield "".join(chance.choices(LETTERS, k=len(good)))


@pytest.mark.section("A cookie that nobody can make")
@pytest.mark.real_database
async def test_a_cookie_from_before_a_restart_is_good_while_the_key_is(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same SECRET_KEY you stay logged in over a restart; with another you do not."""
    monkeypatch.setenv("SECRET_KEY", "the first key, and a long one at that")
    await chat.restart()
    ann = await chat.visitor("ann")
    await chat.restart()
    assert (await ann.get("/")).status == 200
    monkeypatch.setenv("SECRET_KEY", "the second key, which is as long as that")
    await chat.restart()
    assert (await ann.get("/")).status == 303


@pytest.mark.section("A cookie that nobody can make")
@pytest.mark.in_memory
async def test_the_settings_can_be_printed_and_the_key_stays_secret(
    folder: Path, environment: dict[str, str]
) -> None:
    """Whoever prints the settings, or has them in a log, does not see the SECRET_KEY."""
    key = environment["SECRET_KEY"]
    done = await run(folder, "-c", PRINT_SETTINGS, SESSION_SECONDS="1234567")
    assert "1234567" in done.stdout
    assert key not in done.stdout


@pytest.mark.section("A cookie that nobody can make")
async def test_logging_in_renews_the_cookie(chat: Chat) -> None:
    """A cookie that somebody planted before you logged in is worth nothing afterwards."""
    ann = await chat.visitor("ann")
    planted = token(ann)
    await ann.log_in()
    assert token(ann) != planted
    assert await get_with(await chat.stranger(), planted) == 303


# --- the end of a session ----------------------------------------------------------------------


@pytest.mark.section("Signing out for real")
async def test_after_signing_out_a_copied_cookie_is_worthless(chat: Chat) -> None:
    """Sign out, and a copy of your cookie opens nothing."""
    ann, thief = await chat.visitor("ann"), await chat.stranger()
    copy = copied_cookie(ann)
    assert await get_with_cookie(thief, copy) == 200
    answer = await ann.post("/signout")
    assert (answer.status, answer.location) == (303, "/login")
    assert await get_with_cookie(thief, copy) == 303
    assert await thief.knock(Cookie=copy) != 101


@pytest.mark.section("Signing out for real")
async def test_who_signs_out_while_a_socket_opens_gets_none(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign out just before a window of yours is connected: it is closed at once (1008)."""
    arrived, signed_out = asyncio.Event(), asyncio.Event()
    prepare = web.WebSocketResponse.prepare

    async def prepare_late(ws: web.WebSocketResponse, request: web.BaseRequest) -> object:
        arrived.set()
        await signed_out.wait()
        return await prepare(ws, request)

    monkeypatch.setattr(web.WebSocketResponse, "prepare", prepare_late)
    ann = await chat.visitor("ann")
    connecting = asyncio.create_task(ann.connect())
    async with within(PATIENCE):
        await arrived.wait()
        await ann.post("/signout")
        signed_out.set()
        assert await (await connecting).closed() == 1008


@pytest.mark.section("Signing out for real")
@pytest.mark.slow
@pytest.mark.in_memory
async def test_signing_out_goes_well_whatever_the_windows_do(chat: Chat) -> None:
    """Sign out while one window sleeps and another leaves by itself, late: all goes well."""
    await chat.restart(socket_factory=small_listener)
    ann, bob = await chat.visitor("ann"), await (await chat.visitor("bob")).join()
    awake, asleep, leaver = [await ann.join() for _ in range(3)]
    asleep.stop_reading()
    for _ in range(20):
        await say_much(bob, 1)
        await leaver.texts(1)
        await awake.texts(1)
    leaver.stop_reading()
    await say_much(bob, 5)  # more than the system keeps, and less than a goodbye waits behind
    signing_out = asyncio.create_task(ann.post("/signout"))
    assert await awake.closed() == 1008
    leaver.send_bytes(b"\x88\x82\x00\x00\x00\x00\x03\xe8")  # goodbye: 1000
    for _ in range(50):  # turns of the loop, in which the chat runs, too, and hears this
        await asyncio.sleep(0)
    leaver.read_on()
    await leaver.closed()
    assert (await signing_out).status == 303


@pytest.mark.section("Signing out for real")
@pytest.mark.real_database
@pytest.mark.slow
async def test_who_does_not_read_is_cut_off_even_if_signing_out_takes_too_long(
    chat: Chat, line: Line
) -> None:
    """Sign out while the database is slow: 503, but a window that sleeps is closed all the same."""
    await chat.restart(socket_factory=small_listener)
    ann, bob = await chat.visitor("ann"), await (await chat.visitor("bob")).join()
    asleep = await ann.join()
    asleep.stop_reading()
    await say_much(bob, 30)
    chat.be_patient(ANSWER_SECONDS)
    line.hold("delete")
    signing_out = asyncio.create_task(ann.post("/signout"))
    await line.holds()
    await asyncio.sleep(1)  # of the time for an answer; saying goodbye would take two more
    line.let_go()
    assert (await signing_out).status == 503
    await asleep.cut_off()


@pytest.mark.section("Signing out for real")
async def test_a_browser_keeps_no_page_for_whoever_presses_back(chat: Chat) -> None:
    """No page is kept (no-store): after signing out, Back shows nothing of the chat."""
    ann = await chat.visitor("ann")
    for path in ("/", "/history", "/login", "/nowhere"):
        assert (await ann.get(path)).headers["Cache-Control"] == "no-store", path


@pytest.mark.section("Signing out for real")
async def test_signing_out_closes_the_sockets_of_that_session_only(chat: Chat) -> None:
    """Signing out closes your windows in this browser (1008); elsewhere you stay."""
    here = await chat.visitor("ann")
    elsewhere = await chat.stranger("ann")
    await elsewhere.log_in()
    sockets = [await here.join(), await here.join()]
    other = await elsewhere.join()
    async with within(1):
        codes = asyncio.gather(*(socket.closed() for socket in sockets))
        await here.post("/signout")
        assert await codes == [1008, 1008]
    await other.say("still here")
    assert await other.texts(1) == ["still here"]
    assert (await elsewhere.get("/")).status == 200


@pytest.mark.section("Signing out for real")
async def test_signing_out_everywhere_ends_every_session_of_yours(chat: Chat) -> None:
    """Sign out everywhere: your other browsers are out too; other people are not."""
    bob = await chat.visitor("bob")
    bob_socket = await bob.join()
    here = await chat.visitor("ann")
    elsewhere = await chat.stranger("ann")
    await elsewhere.log_in()
    socket = await elsewhere.join()
    async with within(1):
        code = asyncio.create_task(socket.closed())
        await here.post("/signout", {"everywhere": "1"})
        assert await code == 1008
    assert (await elsewhere.get("/")).status == 303
    await bob_socket.say("I stay")
    assert await bob_socket.texts(1) == ["I stay"]


@pytest.mark.section("Signing out for real")
async def test_a_session_ends_by_itself(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over, a session is worth nothing and its sockets are closed."""
    monkeypatch.setenv("SESSION_SECONDS", "2")
    await chat.restart()
    ann = await chat.visitor("ann")
    copy = token(ann)
    socket = await ann.join()
    async with within(2 + 1):
        assert await socket.closed() == 1008
    assert await get_with(await chat.stranger(), copy) == 303


@pytest.mark.section("What the cookie holds")
@pytest.mark.real_database
async def test_a_session_ends_when_it_was_to_end(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, mongod: Mongod
) -> None:
    """Once its time is over, a session counts no more, though the chat gives longer ones now."""
    monkeypatch.setenv("SESSION_SECONDS", "2")
    await chat.restart()
    with removing_nothing(mongod):  # as other servers do for up to a minute
        ann = await chat.visitor("ann")
        copy = token(ann)
        assert await (await ann.join()).closed() == 1008
        monkeypatch.setenv("SESSION_SECONDS", "1000")
        await chat.restart()
        assert await get_with(await chat.stranger(), copy) == 303


@contextmanager
def removing_nothing(mongod: Mongod) -> Iterator[None]:
    """Keep the server from removing what has expired, for the length of the block."""
    with mongod.connect(patience_ms=5000) as client:
        client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})
        try:
            yield
        finally:
            client.admin.command({"setParameter": 1, "ttlMonitorEnabled": True})


@pytest.mark.section("What the cookie holds")
@pytest.mark.real_database
async def test_the_database_forgets_sessions_that_have_ended(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, mongod: Mongod, environment: dict[str, str]
) -> None:
    """What has ended does not pile up: the database removes it by itself."""
    monkeypatch.setenv("SESSION_SECONDS", "1")
    await chat.restart()
    with mongod.connect(patience_ms=5000) as client:
        sessions = client[URL(environment["MONGO_URL"]).name].sessions
        with removing_nothing(mongod):
            await chat.visitor("ann")
            assert sessions.count_documents({}) == 1
        async with within(PATIENCE):
            while sessions.count_documents({}):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


# --- where to after the login ------------------------------------------------------------------


@pytest.mark.section("Back to where you wanted to go")
async def test_the_login_leads_to_where_you_wanted_to_go(chat: Chat) -> None:
    """Sent to the login from /history, you come back to /history."""
    await chat.visitor("ann")
    ann = await chat.stranger("ann")
    sent = await ann.get("/history?before=7")
    form = await ann.get(sent.location, encoded=True)
    assert 'name="next" value="/history?before=7"' in form.text
    answer = await ann.log_in(next="/history?before=7")
    assert answer.location == "/history?before=7"


@pytest.mark.section("Back to where you wanted to go")
async def test_the_login_never_leads_to_another_site(chat: Chat) -> None:
    """Whatever somebody writes into ?next=, you stay here."""
    ann = await chat.visitor("ann")
    assert (await ann.log_in(next="/history")).location == "/history"
    here = str(chat.url.origin())
    for path in NEXT_PATHS:
        answer = await ann.log_in(next=path)
        assert answer.status == 303
        landing = ada_url.URL(answer.location, base=f"{here}/login")  # as a browser reads it
        assert landing.origin == here, path
        assert "\\" not in answer.location
        assert not answer.location.startswith("//")


@pytest.mark.section("Back to where you wanted to go")
async def test_a_browser_stays_here_too(chat: Chat, browser: Browser) -> None:
    """A real browser follows next to /history, but a treacherous one only to the chat."""
    window = await Window.open(browser, chat, "ann")
    await log_in_and_go_to("/history", window)
    await window.page.wait_for_url("**/history")
    for path in ("//evil.example", "/%09/evil.example", "/\\evil.example", "https://evil.example"):
        await log_in_and_go_to(path, window)
        await expect(window.page.locator("#messages")).to_be_attached()
        assert window.page.url == str(chat.url)


async def log_in_and_go_to(path: str, window: Window) -> None:
    """Log in at a login page that should lead to this path."""
    await window.page.goto(f"{window.chat.url}login?next={path}")
    await window.fill_in("ann")


@pytest.mark.section("A word when it is done")
async def test_the_news_is_shown_once(chat: Chat) -> None:
    """After signing out the next page says so; the page after that does not."""
    ann = await chat.visitor("ann")
    await ann.post("/signout")
    assert "You have signed out" in (await ann.get("/login")).text
    assert "You have signed out" not in (await ann.get("/login")).text


# --- whatever it is ----------------------------------------------------------------------------


@pytest.mark.section("A password for every name")
@properties.for_any(8, password=properties.passwords)
async def test_whatever_password_is_chosen_is_the_only_one_that_opens(
    chat: Chat, caplog: pytest.LogCaptureFixture, password: str
) -> None:
    """Any text of 8 to 128 characters is a password, and no other text stands for it."""
    person = await chat.stranger(f"somebody {uuid4().hex[:12]}")
    allowed = 8 <= len(normalize("NFKC", password)) <= 128
    answer = await person.post("/signup", person.form() | {"password": password})
    assert answer.status == (303 if allowed else 400)
    if allowed:
        assert (await person.log_in(password=password)).status == 303
        assert (await person.log_in(password=password + "x")).status == 403
    assert properties.errors(caplog) == []


@pytest.mark.section("A cookie that nobody can make")
@properties.for_any(text=properties.header_values, place=properties.places)
async def test_whatever_cookie_is_made_up_is_a_stranger_s(
    chat: Chat, ann: Visitor, caplog: pytest.LogCaptureFixture, text: str, place: float
) -> None:
    """Any text in place of the cookie, or of its rest from anywhere on: nobody gets in."""
    good = token(ann)
    stranger = await chat.stranger()
    assert await get_with(stranger, good) == 200
    begun = good[: int(place * (len(good) - 4))]
    assert await get_with(stranger, begun + text) == 303
    assert await get_with(stranger, text) == 303
    assert await get_with_cookie(stranger, text) == 303
    assert properties.errors(caplog) == []


@pytest.mark.section("Back to where you wanted to go")
@pytest.mark.in_memory
@properties.for_any(way=properties.ways)
async def test_wherever_the_login_should_lead_it_stays_here(
    chat: Chat, ann: Visitor, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    """Any text as ?next=: a path of ours is where you come to, anything else never leaves us."""
    answer = await ann.log_in(next=way)
    assert answer.status == 303
    if properties.is_own_path(way):
        assert answer.location == way
    here = str(chat.url.origin())
    assert ada_url.URL(answer.location, base=f"{here}/login").origin == here
    assert properties.errors(caplog) == []
