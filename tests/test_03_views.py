"""Step 03: two windows chat over a WebSocket; a form posts and redirects."""

import asyncio
import contextlib
import inspect
import json
import os
import re
import signal
from datetime import datetime, timedelta
from pathlib import Path
from unicodedata import normalize

import pytest

from tests.cases import BAD_FRAMES
from tests.conftest import Chat
from tests.people import (
    GOODBYES,
    LOGIN,
    MESSAGES,
    PATIENCE,
    SOCKET,
    Socket,
    Transcript,
    Visitor,
    send_raw,
    small_listener,
    within,
)
from tests.process import Process, least_work, posix

# --- pages and forms -------------------------------------------------------------------------


@pytest.mark.section("A page and a form")
async def test_a_posted_message_is_on_the_page(chat: Chat) -> None:
    """What you POST to / is on the page afterwards, with your name."""
    ann = await chat.visitor("ann")
    answer = await ann.post("/", {"text": "hello, page"})
    assert answer.status == 303
    assert answer.location == "/"
    page = await ann.get("/")
    assert "hello, page" in page.text
    assert "ann" in page.text


@pytest.mark.section("A page and a form")
async def test_a_message_that_says_nothing_or_too_much_is_refused(chat: Chat) -> None:
    """A blank message, or one of more than 4,000 characters, is a 400; above 64 KiB, a 413."""
    ann = await chat.visitor("ann")
    for text in ("", "   \n", "x" * 4_001):
        assert (await ann.post("/", {"text": text})).status == 400
    assert (await ann.post("/", {"text": "x" * 64 * 1024})).status == 413
    assert (await ann.post("/", {"text": "x" * 4_000})).status == 303


@pytest.mark.section("A page and a form")
async def test_the_page_shows_the_newest_messages_in_order(chat: Chat) -> None:
    """The page shows the newest messages, the oldest of them first."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    for number in range(70):
        await socket.say(f"[{number:03}]")
    await socket.until("[069]")
    shown = re.findall(r"\[(\d+)\]", (await ann.get("/")).text)
    assert shown == [f"{number:03}" for number in range(70 - len(shown), 70)]
    assert 1 < len(shown) < 70


@pytest.mark.section("A cookie with a name")
@pytest.mark.proves(LOGIN)
async def test_the_login_ends_at_the_chat(chat: Chat) -> None:
    """After logging in you are sent to / with 303."""
    ann = await chat.stranger("ann")
    assert (await ann.sign_up()).status == 303
    ann.clear_cookies()
    answer = await ann.log_in()
    assert answer.status == 303
    assert answer.location == "/"


@pytest.mark.section("A cookie with a name")
async def test_no_script_reads_the_cookie_and_no_other_site_sends_it(chat: Chat) -> None:
    """The cookie is out of reach for scripts (HttpOnly) and for other sites' forms (SameSite)."""
    answer = await (await chat.stranger("ann")).sign_up()
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.section("A cookie with a name")
async def test_the_login_page_is_a_form(chat: Chat) -> None:
    """GET /login shows a form with a field for your name."""
    page = await (await chat.stranger()).get("/login")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert 'name="login"' in page.text


@pytest.mark.section("A cookie with a name")
async def test_any_name_that_can_be_seen_will_do(chat: Chat) -> None:
    """Names may have any visible characters; é as one or as two, and spaces, are made the same."""
    for name in ("Zoe\u0308", "анна", "two  words", '"quoted; name"', "<i>", "100%", "🦉", "ann ❤"):
        socket = await (await chat.visitor(name)).connect()
        shown = normalize("NFC", name).replace("  ", " ")
        assert shown in (await socket.receive("here"))["users"]


@pytest.mark.section("A cookie with a name")
async def test_a_name_that_cannot_be_seen_is_refused(chat: Chat) -> None:
    """A name that is empty, too long, or has invisible characters is answered with 400."""
    for name in (
        *("", "   ", "x" * 41, "a\x00b", "a\nb"),
        *("a\u202eb", "\u200b", "\u3164", "a\u034f", "\ufe0f"),
    ):
        person = await chat.stranger(name)
        assert (await person.sign_up()).status == 400


@pytest.mark.section("A cookie with a name")
async def test_a_name_with_endless_accents_holds_nobody_up(chat: Chat) -> None:
    """A name that is far too long is refused before anybody has to wait for it."""
    person = await chat.stranger("a" + "\u0301" * 5_000 + "\u0323" * 5_000)
    assert await least_work(person.sign_up, 400) < 0.1


@pytest.mark.section("Signing out")
async def test_signing_out_needs_a_post(chat: Chat) -> None:
    """POST /signout forgets you and leads to /login; GET does nothing."""
    ann = await chat.visitor("ann")
    assert (await ann.get("/signout")).status == 405
    socket = await ann.connect()
    assert (await socket.receive("here"))["users"] == ["ann"]
    answer = await ann.post("/signout")
    assert answer.status == 303
    assert answer.location == "/login"
    assert not [cookie for cookie in ann.session.cookie_jar if cookie.value == "ann"]


# --- the socket ------------------------------------------------------------------------------


@pytest.mark.section("The hub")
@pytest.mark.proves(SOCKET)
async def test_a_socket_begins_with_who_is_here(chat: Chat) -> None:
    """/ws opens a socket, and the first that it says is who is here."""
    socket = await (await chat.visitor("ann")).connect()
    assert await socket.receive() == {"type": "here", "users": ["ann"]}


@pytest.mark.section("The hub")
@pytest.mark.proves(MESSAGES)
async def test_everybody_hears_a_message_and_who_said_it(chat: Chat) -> None:
    """A message sent on one socket arrives on all of them, the sender's too."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    ann_socket, bob_socket = await ann.join(), await bob.join()
    await ann_socket.say("hello, bob")
    for socket in (ann_socket, bob_socket):
        message = await socket.receive("message")
        assert message["text"] == "hello, bob"
        assert message["user"] == "ann"


@pytest.mark.section("The hub")
async def test_a_message_knows_its_time_in_utc(chat: Chat) -> None:
    """A message says when it was said, in UTC and ISO 8601."""
    socket = await (await chat.visitor("ann")).join()
    await socket.say("what time is it?")
    at = datetime.fromisoformat((await socket.receive("message"))["at"])
    assert at.utcoffset() == timedelta(0)
    assert abs(datetime.now(at.tzinfo) - at) < timedelta(minutes=1)


@pytest.mark.section("The hub")
async def test_ids_grow_from_message_to_message(chat: Chat) -> None:
    """Every message has an id of its own."""
    socket = await (await chat.visitor("ann")).join()
    for number in range(20):
        await socket.say(str(number))
    ids = [(await socket.receive("message"))["id"] for _ in range(20)]
    assert ids == sorted(set(ids))


@pytest.mark.section("The hub")
async def test_a_posted_message_reaches_the_sockets(chat: Chat) -> None:
    """A message from the form reaches the open sockets."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    socket = await bob.join()
    await ann.post("/", {"text": "from a form"})
    assert (await socket.receive("message"))["text"] == "from a form"


@pytest.mark.section("The hub")
async def test_a_new_socket_hears_what_happens_from_now_on(chat: Chat) -> None:
    """A new socket starts with what happens now, not with what was said before."""
    ann = await chat.visitor("ann")
    await ann.post("/", {"text": "old"})
    socket = await ann.join()
    await socket.say("new")
    assert await socket.texts(1) == ["new"]


@pytest.mark.section("Who is here")
async def test_coming_and_going_is_announced_once_for_each_person(chat: Chat) -> None:
    """A person with two windows joins once, and leaves with the last of them."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    watcher = await ann.join()
    first, second = await bob.connect(), await bob.connect()
    assert (await watcher.receive())["type"] == "joined"
    for socket in (first, second):
        assert (await socket.receive("here"))["users"] == ["ann", "bob"]
    await first.close()
    await second.say("still here")
    events = await watcher.until("still here")
    assert [event["type"] for event in events] == ["message"]
    await second.close()
    left = await watcher.receive()
    assert left == {"type": "left", "user": "bob"}


@pytest.mark.section("Who is here")
@pytest.mark.proves(GOODBYES)
async def test_whoever_loses_the_connection_has_left_too(chat: Chat) -> None:
    """When a window vanishes without a goodbye, the others are told."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    watcher, socket = await ann.join(), await bob.join()
    await watcher.receive("joined")
    socket.drop()
    assert await watcher.receive("joined", "left") == {"type": "left", "user": "bob"}
    await watcher.say("anybody there?")
    assert (await watcher.receive("message"))["text"] == "anybody there?"


@pytest.mark.section("What a client may say")
async def test_nonsense_is_answered_in_words_and_the_socket_stays_open(chat: Chat) -> None:
    """What is not a message is answered with an error event; you can go on."""
    socket = await (await chat.visitor("ann")).join()
    for frame in (
        "",
        "hello",
        "{",
        "[]",
        "null",
        '{"type": "shout", "text": "hi"}',
        '{"type": "message"}',
        '{"type": "message", "text": 1}',
        '{"type": "message", "text": "  "}',
    ):
        await socket.send_text(frame)
        error = await socket.receive("error", "message")
        assert error["type"] == "error"
        assert len(error["reason"]) > 10
    await socket.say("and on we go")
    assert await socket.texts(1) == ["and on we go"]


@pytest.mark.section("What a client may say")
async def test_a_frame_that_is_too_big_closes_the_socket(chat: Chat) -> None:
    """A frame of more than 16 KiB closes the socket with code 1009."""
    socket = await (await chat.visitor("ann")).join()
    await socket.send_text("x" * (16 * 1024 + 1))
    assert await socket.closed() == 1009


@pytest.mark.section("What a client may say")
async def test_no_frame_breaks_the_socket(chat: Chat) -> None:
    """Sixty frames of nonsense: an error for each, and the socket stays open."""
    socket = await (await chat.visitor("ann")).join()
    assert len(BAD_FRAMES) >= 60
    for frame in BAD_FRAMES:
        await socket.send_text(frame)
        event = await socket.receive("error", "message")
        assert event["type"] == "error", frame
    await socket.say("still here")
    assert await socket.texts(1) == ["still here"]


@pytest.mark.section("What a client may say")
async def test_odd_characters_harm_nobody(chat: Chat) -> None:
    """Zeros and right-to-left marks arrive, half characters as "?"; the history is readable."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    for text in ("\ud800", "a\udfffb", "\x00", "\u202etxet", "🦉" * 1_000):
        await socket.say(text)
        shown = re.sub("[\ud800-\udfff]", "?", text)
        assert (await socket.receive("message", "error")).get("text") == shown
        await ann.post("/", {"text": "after it"})
        assert await socket.texts(1) == ["after it"]
        assert (await ann.get("/")).status == 200


HANDSHAKE = {
    b"Host": b"localhost",
    b"Connection": b"Upgrade",
    b"Upgrade": b"websocket",
    b"Sec-WebSocket-Version": b"13",
    b"Sec-WebSocket-Key": b"dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.section("What a client may say")
@pytest.mark.parametrize("name", list(HANDSHAKE)[1:], ids=bytes.decode)
async def test_a_handshake_with_bytes_that_are_no_text_is_refused(
    chat: Chat, ann: Visitor, name: bytes
) -> None:
    """A handshake whose headers hold any bytes is answered with 400."""
    cookies = [f"{cookie.key}={cookie.value}".encode() for cookie in ann.session.cookie_jar]
    headers = HANDSHAKE | {b"Cookie": b"; ".join(cookies), name: b"\xff"}
    lines = [b"%b: %b\r\n" % header for header in headers.items()]
    request = b"GET /ws HTTP/1.1\r\n" + b"".join(lines) + b"\r\n"
    assert b" 400 " in await send_raw(chat.url, request)


@pytest.mark.section("What a client may say")
async def test_what_is_not_http_is_refused_and_the_chat_goes_on(chat: Chat) -> None:
    """Bytes that are not HTTP are answered with 400, and everybody else is served."""
    socket = await (await chat.visitor("ann")).join()
    for data in (b"\x00\xff\xfe\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"FOO\r\n\r\n"):
        assert b" 400 " in await send_raw(chat.url, data)
    await socket.say("still here")
    assert await socket.texts(1) == ["still here"]


@pytest.mark.section("The hub")
async def test_everybody_sees_the_same_order(chat: Chat) -> None:
    """Eight people talk at once and three read slowly: everybody sees the same order."""
    people = [await chat.visitor(f"person {number}") for number in range(11)]
    sockets = [await person.join() for person in people]
    for slow in sockets[8:]:
        slow.stop_reading()

    async def talk(number: int) -> None:
        for count in range(100):
            await sockets[number].say(f"{number}/{count}")

    async def listen(socket: Socket) -> tuple[str, ...]:
        return tuple(await socket.texts(8 * 100))

    orders, _ = await asyncio.gather(
        asyncio.gather(*map(listen, sockets[:8])), asyncio.gather(*map(talk, range(8)))
    )
    for slow in sockets[8:]:
        slow.read_on()
        orders.append(await listen(slow))
    assert len(set(orders)) == 1
    for number in range(8):
        own = [text for text in orders[0] if text.startswith(f"{number}/")]
        assert own == [f"{number}/{count}" for count in range(100)]


@pytest.mark.section("The hub")
@pytest.mark.in_memory
async def test_whoever_sends_without_end_keeps_nobody_waiting(chat: Chat) -> None:
    """One window sends two thousand frames at once: the others talk on meanwhile."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    flood, socket = await ann.join(), await bob.join()
    flood.send_bytes(b"\x81\x81mask\x16" * 2_000)  # each is a "{", and no event
    for number in range(5):
        await socket.say(f"meanwhile {number}")
        await socket.receive("message")
    events = await flood.until("meanwhile 4")
    assert len(events) < 1_000  # the other frames have not been answered yet


@pytest.mark.section("The hub")
async def test_what_one_says_without_end_is_heard_meanwhile(chat: Chat) -> None:
    """One window says two thousand things at once: the others hear the first before the last."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    flood, socket = await ann.join(), await bob.join()
    event = b'{"type": "message", "text": "on and on"}'
    frame = bytes([0x81, 0x80 | len(event)]) + bytes(4) + event  # with a mask that changes nothing
    flood.send_bytes(frame * 2_000)
    assert (await socket.receive("message"))["text"] == "on and on"
    await socket.say("stop")
    assert len(await socket.until("stop")) < 1_000


async def say_much(socket: Socket, count: int) -> None:
    """Say so many of the longest messages, of 16 KiB each, and hear them."""
    event = json.dumps({"type": "message", "text": "🦉" * 4_000}, ensure_ascii=False)
    for _ in range(count):
        await socket.send_text(event)
    await socket.texts(count)


async def fall_behind(stuck: Socket, talker: Socket) -> None:
    """Stop reading what is said: more than the system keeps, but not what cuts one off."""
    stuck.stop_reading()
    await say_much(talker, 128)


@pytest.mark.section("The hub")
@pytest.mark.in_memory
async def test_whoever_leaves_and_has_not_read_all_is_let_go(
    chat: Chat, process: Process, transcript: Transcript
) -> None:
    """Say goodbye without reading what waits for you: the chat keeps neither it nor the line."""
    async with (
        Visitor(process.url, "ann", chat.step, transcript) as ann,
        Visitor(process.url, "bob", chat.step, transcript) as bob,
    ):
        await ann.sign_up()
        watcher = await ann.join()
        handles = process.handles()
        await bob.sign_up()
        socket = await bob.join()
        await fall_behind(socket, watcher)
        socket.send_bytes(b"\x88\x82\x00\x00\x00\x00\x03\xe8")  # goodbye: 1000
        await watcher.receive("left")
        async with within(PATIENCE):
            while process.handles() > handles:
                await watcher.send_text("no event")
                await watcher.receive("error")


@pytest.mark.section("The hub")
@pytest.mark.slow
async def test_those_who_stop_reading_hold_nobody_up(
    chat: Chat, process: Process, transcript: Transcript, quick: bool
) -> None:
    """Windows that stop reading are cut off and cost little; the others miss nothing."""
    count, letter = (5_000 if quick else 20_000), "x"  # of 4 KiB
    if chat.store == "mongod":  # for each message, it waits for the disk
        count, letter = 1_250, "🦉"  # of 16 KiB
    async with contextlib.AsyncExitStack() as visitors:
        fast, *stuck = [
            await visitors.enter_async_context(Visitor(process.url, name, chat.step, transcript))
            for name in ("fast", *(f"stuck {number}" for number in range(5)))
        ]
        await fast.sign_up()
        socket = await fast.join()
        handles = process.handles()
        for visitor in stuck:
            await visitor.sign_up()
            (await visitor.join()).stop_reading()
        memory = process.usage.memory_info().rss
        busy = process.cpu_seconds()
        gone: dict[str, float] = {}

        async def talk() -> None:
            for number in range(count):
                await room.acquire()
                event = {"type": "message", "text": f"{number:06}" + letter * 3_990}
                await socket.send_text(json.dumps(event, ensure_ascii=False))

        room = asyncio.Semaphore(100)
        talking = asyncio.create_task(talk())
        heard = 0
        while heard < count:
            event = await socket.receive("message", "left")
            if event["type"] == "left":
                gone[event["user"]] = process.cpu_seconds() - busy
                continue
            assert event["text"].startswith(f"{heard:06}")
            heard += 1
            room.release()
        await talking
        assert set(gone) == {visitor.name for visitor in stuck}
        assert max(gone.values()) < 5
        assert process.usage.memory_info().rss - memory < 50 * 1024 * 1024
        assert process.handles() <= handles


@pytest.mark.section("Who is here")
async def test_whoever_leaves_in_any_way_has_left_once(chat: Chat) -> None:
    """Closed, cut off, cut in the middle of a frame, or broken: the others are told once."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    watcher = await ann.join()
    frame = b"\x81\xfe\x10\x00half of a frame"
    for data, goodbye in (
        (b"", Socket.close),
        (b"", Socket.drop),
        (frame, Socket.drop),
        (b"\xff\xff\xff\xff no frame at all", Socket.closed),
        (b"\x81\x85mask\xff\xff\xff\xff\xff not UTF-8", Socket.closed),
    ):
        socket = await bob.join()
        if data:
            socket.send_bytes(data)
        result = goodbye(socket)
        if inspect.isawaitable(result):
            await result
        events = [await watcher.receive(), await watcher.receive()]
        assert [event["type"] for event in events] == ["joined", "left"], data
    await watcher.say("only me")
    assert [event["type"] for event in await watcher.until("only me")] == ["message"]


@pytest.mark.section("Who is here")
@pytest.mark.slow
async def test_a_thousand_come_and_vanish_and_come_back(
    chat: Chat, process: Process, transcript: Transcript, quick: bool
) -> None:
    """A thousand windows open, vanish and open again: quickly, and each person leaves once."""
    windows = 10 if quick else 100  # of each person
    if chat.store == "mongod":  # for each window, it looks into the database twice
        windows //= 2
    async with contextlib.AsyncExitStack() as visitors:
        anybody, *people = [
            await visitors.enter_async_context(Visitor(process.url, name, chat.step, transcript))
            for name in ("anybody", *(f"person {number}" for number in range(10)))
        ]
        for visitor in (anybody, *people):
            await visitor.sign_up()
        watcher = await anybody.join()

        async def told(kind: str) -> set[str]:
            return {(await watcher.receive(kind))["user"] for _ in people}

        for _ in range(2):
            busy = process.cpu_seconds()
            sockets = await asyncio.gather(*(person.join() for person in people * windows))
            assert process.cpu_seconds() - busy < 5
            assert await told("joined") == {person.name for person in people}
            busy = process.cpu_seconds()
            for socket in sockets:
                socket.drop()
            assert await told("left") == {person.name for person in people}
            assert process.cpu_seconds() - busy < 5
        await watcher.say("only me")
        assert [event["type"] for event in await watcher.until("only me")] == ["message"]


def many_may_wait() -> bool:
    """Tell whether this system lets a thousand wait in front of a door."""
    most = Path("/proc/sys/net/core/somaxconn")
    return most.exists() and int(most.read_text("ascii")) >= 1024


@pytest.mark.skipif(not many_may_wait(), reason="The system lets fewer wait.")
@pytest.mark.section("Stopping with open sockets")
@pytest.mark.in_memory
async def test_many_who_come_at_once_need_not_knock_again(process: Process) -> None:
    """While the chat is busy two hundred people come: all wait, and are answered in the end."""
    process.send(signal.SIGSTOP)
    async with within(PATIENCE):
        stopped = os.P_PID, process.process.pid, os.WSTOPPED | os.WNOWAIT
        await asyncio.to_thread(os.waitid, *stopped)
        knocking = (asyncio.open_connection("127.0.0.1", process.port) for _ in range(200))
        lines = await asyncio.gather(*knocking)
        process.send(signal.SIGCONT)
        for _, writer in lines:
            writer.write(b"GET /login HTTP/1.1\r\nHost: here\r\n\r\n")
        answers = await asyncio.gather(*(reader.readline() for reader, _ in lines))
    assert set(answers) == {b"HTTP/1.1 200 OK\r\n"}
    for _, writer in lines:
        writer.close()


# --- the end ---------------------------------------------------------------------------------


@posix
@pytest.mark.section("Stopping with open sockets")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_stopping_closes_every_socket_even_with_one_stuck(
    chat: Chat, process: Process, transcript: Transcript, name: str
) -> None:
    """Ctrl-C says goodbye to every window (1001) and ends, even if one has stopped reading."""
    async with Visitor(process.url, "ann", chat.step, transcript) as ann:
        await ann.sign_up()
        sockets = [await ann.join()]
        await fall_behind(await ann.join(), sockets[0])
        sockets += [await ann.join() for _ in range(4)]
        process.send(signal.Signals[name])
        codes = await asyncio.gather(*(socket.closed() for socket in sockets))
        assert codes == [1001] * 5
        assert await process.ended(5) == 0
    assert "Traceback" not in process.output()


@pytest.mark.section("Stopping with open sockets")
@pytest.mark.slow
@pytest.mark.in_memory
@pytest.mark.parametrize("someone_sleeps", [False, True])
async def test_whoever_reads_slowly_hears_the_goodbye(chat: Chat, someone_sleeps: bool) -> None:
    """Whoever is a little behind when the chat stops hears all of it, and the goodbye (1001)."""
    await chat.restart(socket_factory=small_listener)
    talker, slow, sleeper = [
        await (await chat.visitor(name)).join() for name in ("talker", "slow", "sleeper")
    ]
    if someone_sleeps:
        sleeper.stop_reading()
        for _ in range(20):
            await say_much(talker, 1)
            await slow.texts(1)
    slow.stop_reading()
    await say_much(talker, 5)  # more than the system keeps, and less than a goodbye waits behind
    stopping = asyncio.create_task(chat.stop())
    assert await talker.closed() == 1001
    slow.read_on()
    assert await slow.closed() == 1001
    async with within(PATIENCE):
        await stopping


@posix
@pytest.mark.section("Stopping with open sockets")
async def test_a_second_ctrl_c_does_not_wait(
    chat: Chat, process: Process, transcript: Transcript
) -> None:
    """Press Ctrl-C twice, and the chat ends at once, whoever is still connected."""
    async with Visitor(process.url, "ann", chat.step, transcript) as ann:
        await ann.sign_up()
        socket, stuck = await ann.join(), await ann.join()
        stuck.stop_reading()
        process.send(signal.SIGINT)
        assert await socket.closed() == 1001
        process.send(signal.SIGINT)
        await process.ended(1)


@posix
@pytest.mark.section("Stopping with open sockets")
@pytest.mark.slow
@pytest.mark.in_memory
async def test_stopping_does_not_wait_for_a_page_that_nobody_reads(
    chat: Chat, process: Process, transcript: Transcript
) -> None:
    """Somebody asks for a long page and does not read it: Ctrl-C ends the chat all the same."""
    async with Visitor(process.url, "ann", chat.step, transcript) as ann:
        await ann.sign_up()
        socket = await ann.join()
        await say_much(socket, 50)  # the page is long now
        async with within(PATIENCE):
            answer = await ann.session.get("/", read_bufsize=1)  # and read no more
        process.send(signal.SIGINT)
        assert await socket.closed() == 1001
        assert await process.ended(8) == 0
        answer.close()
    assert "Traceback" not in process.output()
