"""Step 03: two windows chat over a WebSocket; a form posts and redirects."""

import asyncio
import signal
from datetime import datetime, timedelta

import pytest

from tests.conftest import Chat
from tests.people import Socket, Transcript, Visitor
from tests.process import Process, posix

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
@pytest.mark.parametrize("text", ["", "   \n", "x" * 4_001])
async def test_a_message_that_says_nothing_or_too_much_is_refused(chat: Chat, text: str) -> None:
    """A blank message, or one of more than 4,000 characters, is answered with 400."""
    ann = await chat.visitor("ann")
    assert (await ann.post("/", {"text": text})).status == 400
    assert (await ann.post("/", {"text": "x" * 4_000})).status == 303


@pytest.mark.section("A cookie with a name")
async def test_the_login_ends_at_the_chat(chat: Chat) -> None:
    """After logging in you are sent to / with 303."""
    ann = await chat.stranger("ann")
    await ann.sign_up()
    ann.clear_cookies()
    answer = await ann.log_in()
    assert answer.status == 303
    assert answer.location == "/"


@pytest.mark.section("A cookie with a name")
@pytest.mark.parametrize("path", ["/login", "/signup"])
async def test_the_login_page_is_a_form(chat: Chat, path: str) -> None:
    """GET /login shows a form with a field for your name."""
    if path == "/signup" and chat.step < 5:
        path = "/login"
    page = await (await chat.stranger()).get(path)
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert 'name="login"' in page.text


@pytest.mark.section("A cookie with a name")
@pytest.mark.parametrize(
    "name", ["Zoë", "анна", "two words", '"quoted; name"', "<i>", "100%", "🦉"]
)
async def test_any_name_that_can_be_seen_will_do(chat: Chat, name: str) -> None:
    """Names may have any visible characters."""
    person = await chat.visitor(name)
    socket = await person.connect()
    assert (await socket.receive("here"))["users"] == [name]


@pytest.mark.section("A cookie with a name")
@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\x00b", "a\nb", "a\u202eb", "\u200b"])
async def test_a_name_that_cannot_be_seen_is_refused(chat: Chat, name: str) -> None:
    """A name that is empty, too long, or has invisible characters is answered with 400."""
    person = await chat.stranger(name)
    assert (await person.sign_up()).status == 400


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
@pytest.mark.parametrize(
    "frame",
    [
        "",
        "hello",
        "{",
        "[]",
        "null",
        '{"type": "shout", "text": "hi"}',
        '{"type": "message"}',
        '{"type": "message", "text": 1}',
        '{"type": "message", "text": "  "}',
    ],
)
async def test_nonsense_is_answered_in_words_and_the_socket_stays_open(
    chat: Chat, frame: str
) -> None:
    """What is not a message is answered with an error event; you can go on."""
    socket = await (await chat.visitor("ann")).join()
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


@pytest.mark.section("The hub")
async def test_everybody_sees_the_same_order(chat: Chat) -> None:
    """Eight people talk at once: everybody sees the same order."""
    people = [await chat.visitor(f"person {number}") for number in range(8)]
    sockets = [await person.join() for person in people]

    async def talk(number: int) -> None:
        for count in range(50):
            await sockets[number].say(f"{number}/{count}")

    async def listen(socket: Socket) -> tuple[str, ...]:
        return tuple(await socket.texts(8 * 50))

    orders, _ = await asyncio.gather(
        asyncio.gather(*map(listen, sockets)), asyncio.gather(*map(talk, range(8)))
    )
    assert len(set(orders)) == 1
    for number in range(8):
        own = [text for text in orders[0] if text.startswith(f"{number}/")]
        assert own == [f"{number}/{count}" for count in range(50)]


@pytest.mark.section("The hub")
async def test_one_who_stops_reading_holds_nobody_up(chat: Chat) -> None:
    """A window that stops reading is cut off; the others miss nothing."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    socket, stuck = await ann.join(), await bob.join()
    await socket.receive("joined")
    stuck.stop_reading()
    sent = 0
    cut_off = False
    while not cut_off:
        assert sent < 20_000, "the stuck window is never cut off"
        for _ in range(50):
            await socket.say(f"{sent:06}" + "x" * 3_900)
            sent += 1
        for number in range(sent - 50, sent):
            event = await socket.receive("message", "left")
            if event["type"] == "left":
                cut_off = True
                event = await socket.receive("message")
            assert event["text"].startswith(f"{number:06}")


# --- the end ---------------------------------------------------------------------------------


@posix
@pytest.mark.section("Stopping with open sockets")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_stopping_closes_every_socket_even_with_one_stuck(
    chat: Chat, process: Process, transcript: Transcript, name: str
) -> None:
    """Ctrl-C says goodbye to every window (1001) and ends, even if one has stopped reading."""
    async with Visitor(process.url, "ann", chat.step, transcript) as ann:
        if chat.step >= 3:
            await ann.sign_up()
        sockets = [await ann.join() for _ in range(5)]
        stuck = await ann.join()
        stuck.stop_reading()
        for _ in range(100):
            await sockets[0].say("x" * 3_000)
        await sockets[0].texts(100)
        process.send(signal.Signals[name])
        codes = await asyncio.gather(*(socket.closed() for socket in sockets))
        assert codes == [1001] * 5
        assert await process.ended(5) == 0
    assert "Traceback" not in process.output()
