"""Step 05: history survives; close the laptop, come back, missed messages arrive."""

import asyncio
import io
import json
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from html import unescape
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestServer
from yarl import URL

from tests import properties
from tests.cases import BAD_BODIES, CROSS_SITE_CASES, NOT_STRINGS, OPERATORS, XSS
from tests.conftest import Chat
from tests.line import Line
from tests.people import (
    PATIENCE,
    Event,
    Socket,
    Transcript,
    Visitor,
    goodbye,
    send_raw,
    small_listener,
    within,
)
from tests.process import Process, posix, run
from tests.test_03_views import say_much
from tests.test_04_middlewares import HTML, headers_for
from tools.mongod import Mongod

PRINT_SETTINGS = "from aiochat.settings import Settings; print(Settings.from_environ())"

# --- names -------------------------------------------------------------------------------------


@pytest.mark.section("One name, one person")
async def test_signing_up_has_a_form_and_ends_at_the_chat(chat: Chat) -> None:
    """GET /signup shows a form with a field for your name; POST /signup leads to the chat."""
    ann = await chat.stranger("ann")
    page = await ann.get("/signup")
    assert page.status == 200
    assert 'name="login"' in page.text
    answer = await ann.post("/signup", ann.form())
    assert answer.status == 303
    assert answer.location == "/"
    assert (await ann.get("/")).status == 200


@pytest.mark.section("One name, one person")
async def test_signing_up_is_as_careful_as_logging_in(chat: Chat) -> None:
    """/signup refuses what is no form, and what other sites send, as /login does."""
    stranger = await chat.stranger()
    for case, (headers, body) in BAD_BODIES.items():
        answer = await stranger.request("POST", "/signup", data=io.BytesIO(body), headers=headers)
        assert answer.status in {400, 413}, case
    for case, (headers, welcome) in CROSS_SITE_CASES.items():
        answer = await stranger.post("/signup", headers=headers_for(chat, headers))
        assert answer.status == (400 if welcome else 403), case


@pytest.mark.section("One name, one person")
async def test_a_name_belongs_to_one_person(chat: Chat) -> None:
    """Signing up with a name that is taken is answered with 409."""
    await chat.visitor("ann")
    await chat.visitor("ann lee")
    for name in (
        *("ann", "Ann", " ann ", "\uff41nn", "ann\ufe0f", "a\U000e0100nn"),
        *("ann  lee", "an\u180bn lee"),
    ):
        answer = await (await chat.stranger(name)).sign_up()
        assert answer.status == 409, name


@pytest.mark.section("One name, one person")
async def test_the_news_that_a_name_is_taken_runs_nothing(chat: Chat) -> None:
    """A name full of HTML is taken: the page that says so shows it as text."""
    for name in XSS[:3]:
        await chat.visitor(name)
        late = await chat.stranger(name)
        answer = await late.post("/signup", late.form(), headers=HTML)
        assert answer.status == 409
        assert name in unescape(answer.text)
        assert name not in answer.text


@pytest.mark.section("One name, one person")
async def test_you_log_in_under_the_name_you_signed_up_with(chat: Chat) -> None:
    """Logging in works for whoever has signed up, however they write their name."""
    await chat.visitor("Ann")
    ann = await chat.stranger("aNN")
    assert (await ann.log_in()).status == 303
    assert (await (await ann.connect()).receive("here"))["users"] == ["Ann"]


@pytest.mark.section("One name, one person")
async def test_a_name_that_nobody_has_cannot_log_in(chat: Chat) -> None:
    """Logging in with a name that nobody has is answered with 403."""
    ghost = await chat.stranger("ghost")
    assert (await ghost.log_in()).status == 403
    assert (await ghost.get("/")).status == 303


@pytest.mark.section("One name, one person")
@pytest.mark.real_database
@pytest.mark.slow
async def test_of_two_who_take_a_name_at_the_same_moment_one_gets_it(
    chat: Chat, quick: bool
) -> None:
    """When two people take the same name at once, exactly one gets it."""
    for number in range(10 if quick else 100):
        people = [await chat.stranger(f"name {number}") for _ in range(2)]
        answers = await asyncio.gather(*(person.sign_up() for person in people))
        assert sorted(answer.status for answer in answers) == [303, 409]


@pytest.mark.section("One name, one person")
async def test_no_operator_gets_through(chat: Chat) -> None:
    """A database operator in the place of a name or a text is refused."""
    ann = await chat.visitor("ann")
    stranger = await chat.stranger()
    for operator in OPERATORS:
        form = {f"login[{operator}]": "", f"password[{operator}]": "", f"text[{operator}]": ""}
        for path in ("/login", "/signup"):
            assert (await stranger.post(path, form)).status == 400
        assert (await ann.post("/", form)).status == 400
    assert (await stranger.get("/")).status == 303
    socket = await ann.join()
    for value in NOT_STRINGS:
        await socket.send({"type": "message", "text": value, "client_id": "1"})
        assert (await socket.receive("message", "error"))["type"] == "error"
        if value is not None:
            await socket.send({"type": "message", "text": "hello", "client_id": value})
            assert (await socket.receive("message", "error"))["type"] == "error"


# --- history -----------------------------------------------------------------------------------


@pytest.mark.section("The history")
@pytest.mark.real_database
async def test_the_history_survives_a_restart(chat: Chat) -> None:
    """Messages are still there after the chat was stopped and started."""
    ann = await chat.visitor("ann")
    await ann.post("/", {"text": "remember this"})
    await chat.restart()
    assert "remember this" in (await ann.get("/")).text


@pytest.mark.section("The history")
async def test_the_history_can_be_read_backwards_page_by_page(chat: Chat) -> None:
    """/history?before=<id> goes back page by page; nothing is missing, nothing comes twice."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    said = [f"message {number}" for number in range(120)]
    for text in said:
        await socket.say(text)
    last = (await socket.until(said[-1]))[-1]
    messages = [last]
    for _ in range(10):
        page = (await ann.get(f"/history?before={messages[0]['id']}")).json()["messages"]
        messages = page + messages
    assert [message["text"] for message in messages] == said
    newest = (await ann.get("/history")).json()["messages"]
    assert newest == messages[-len(newest) :]


@pytest.mark.section("The history")
async def test_an_id_that_is_none_is_refused(chat: Chat) -> None:
    """?before= and ?after= take an id; anything else is answered with 400."""
    ann = await chat.visitor("ann")
    for bad in ("x", "-1", "1.5", "", "9" * 5_000, "%00", "\uff11", '{"$gt":""}', " 1"):
        assert (await ann.get(f"/history?before={bad}")).status == 400
        assert await ann.knock(f"?after={bad}") == 400


# --- coming back -------------------------------------------------------------------------------


@pytest.mark.section("Coming back")
async def test_whoever_comes_back_hears_what_was_missed(chat: Chat) -> None:
    """/ws?after=<id> first tells you what you missed, then what happens now."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    ann_socket, bob_socket = await ann.join(), await bob.join()
    await ann_socket.say("before")
    before = await bob_socket.receive("message")
    await bob_socket.close()
    for number in range(130):
        await ann_socket.say(f"missed {number}")
    await ann_socket.until("missed 129")
    bob_socket = await bob.connect(f"?after={before['id']}")
    assert await bob_socket.texts(130) == [f"missed {number}" for number in range(130)]
    await bob_socket.receive("here")
    await ann_socket.say("now")
    assert await bob_socket.texts(1) == ["now"]


@pytest.mark.section("Coming back")
async def test_an_id_from_the_future_is_harmless(chat: Chat) -> None:
    """An id that does not exist yet: nothing to catch up with, and all that was said is before."""
    ann = await chat.visitor("ann")
    socket = await ann.join("?after=999999999999999")
    await socket.say("hello")
    assert await socket.texts(1) == ["hello"]
    history = (await ann.get("/history?before=999999999999999")).json()["messages"]
    assert [message["text"] for message in history] == ["hello"]


@pytest.mark.section("Coming back")
@pytest.mark.slow
async def test_cut_off_at_any_moment_nothing_is_missed_and_nothing_comes_twice(
    chat: Chat, quick: bool
) -> None:
    """Whenever the line is cut: on coming back you have every message once, in order."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    socket = await ann.join()
    chance = random.Random(5)
    total = 300 if quick else 1_000
    cuts = sorted(chance.sample(range(1, total), total // 10))

    async def talk() -> None:
        for number in range(total):
            await socket.say(str(number))
            await socket.receive("message")

    async def listen() -> list[Event]:
        heard: list[Event] = []
        last = 0
        for cut in [*cuts, total]:
            line = await bob.connect(f"?after={last}")
            while len(heard) < cut:
                heard.append(await line.receive("message"))
            line.drop()
            last = heard[-1]["id"]
        return heard

    heard, _ = await asyncio.gather(listen(), talk())
    assert [event["text"] for event in heard] == [str(number) for number in range(total)]


@pytest.mark.section("Coming back")
@pytest.mark.real_database
async def test_what_is_stored_while_you_catch_up_is_heard_once(chat: Chat, line: Line) -> None:
    """A message that is stored while you catch up comes once: when everybody hears it."""
    await chat.restart(socket_factory=small_listener)
    talker = await (await chat.visitor("ann")).join()
    await say_much(talker, 60)  # more than is read at once
    window = await (await chat.visitor("bob")).connect("?after=0")
    window.stop_reading()
    line.hold("insert")
    await talker.say("stored")
    await line.holds()
    window.read_on()
    while (event := await window.receive())["type"] != "here":
        assert event.get("text") != "stored", "nobody else has heard it yet"
    line.let_go()
    await talker.say("the end")
    assert await window.texts_until("the end") == ["stored", "the end"]


@pytest.mark.section("Without a database")
@pytest.mark.in_memory
async def test_whoever_remembers_a_history_that_is_gone_hears_the_new_one(chat: Chat) -> None:
    """In memory a restart forgets everything; with an id from before it you hear what is new."""
    ann = await chat.visitor("ann")
    await ann.post("/", {"text": "yesterday"})
    [yesterday] = (await ann.get("/history")).json()["messages"]
    await chat.restart()
    ann = await chat.visitor("ann")
    await ann.post("/", {"text": "today"})
    assert await everything(await ann.connect(f"?after={yesterday['id']}")) == ["today"]


@pytest.mark.section("Coming back")
async def test_whoever_does_not_read_what_was_missed_is_cut_off(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window that stops reading while it catches up is closed half a minute later."""
    await chat.restart(socket_factory=small_listener)
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    for _ in range(20):
        await ann.post("/", {"text": "🦉" * 4_000})
    stuck = await bob.connect("?after=0")
    await stuck.receive("message")
    stuck.stop_reading()
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + 30)
    await ann.get("/login")  # so that the chat notices how late it has become
    stuck.read_on()
    assert await stuck.closed() == 1006


# --- stored once, and for good -----------------------------------------------------------------


@pytest.mark.section("Store, then announce")
async def test_the_message_comes_back_with_its_client_id(chat: Chat) -> None:
    """Your message comes back with the client_id you gave it: now it is stored."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    client_id = await socket.say("hello")
    message = await socket.receive("message")
    assert message["client_id"] == client_id
    assert message in (await ann.get("/history")).json()["messages"]


@pytest.mark.section("Store, then announce")
async def test_a_message_sent_again_is_stored_once(chat: Chat) -> None:
    """The same client_id ten times, on two sockets: one message, and each time its id."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    watcher = await bob.join()
    first, second = await ann.join(), await ann.join()
    for _ in range(5):
        await first.say("once", "the-same-id")
        await second.say("once", "the-same-id")
    acknowledged = [await first.receive("message") for _ in range(5)]
    acknowledged += [await second.receive("message") for _ in range(5)]
    assert len({message["id"] for message in acknowledged}) == 1
    await first.say("the end")
    heard = await watcher.until("the end")
    assert [event["text"] for event in heard if event["type"] == "message"] == ["once", "the end"]
    history = (await ann.get("/history")).json()["messages"]
    assert [message["text"] for message in history] == ["once", "the end"]


@pytest.mark.section("Store, then announce")
async def test_two_people_may_choose_the_same_client_id(chat: Chat) -> None:
    """A client_id is yours alone: the same one from somebody else is another message."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    socket = await ann.join()
    await socket.say("from ann", "1")
    first = await socket.receive("message")
    await (await bob.join()).say("from bob", "1")
    second = await socket.receive("message")
    assert [first["text"], second["text"]] == ["from ann", "from bob"]
    assert [first["client_id"], second["client_id"]] == ["1", "1"]


@pytest.mark.section("Store, then announce")
async def test_a_client_id_has_a_simple_form(chat: Chat) -> None:
    """A client_id with anything but letters, digits, _ and - is answered with an error."""
    socket = await (await chat.visitor("ann")).join()
    for client_id in ("", "x" * 65, "a b", "a/b", "é", "\x00"):
        await socket.send({"type": "message", "text": "hello", "client_id": client_id})
        assert (await socket.receive("message", "error"))["type"] == "error"


@pytest.mark.section("Store, then announce")
async def test_an_error_names_the_message_it_is_about(chat: Chat) -> None:
    """A refused message is answered with an error that has its client_id."""
    socket = await (await chat.visitor("ann")).join()
    client_id = await socket.say(" ")
    assert (await socket.receive("error"))["client_id"] == client_id


@pytest.mark.section("Store, then announce")
@pytest.mark.real_database
@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_what_was_acknowledged_survives_a_power_cut(
    chat: Chat,
    folder: Path,
    environment: dict[str, str],
    tmp_path: Path,
    transcript: Transcript,
    quick: bool,
) -> None:
    """Kill the chat in mid-sentence, again and again: what came back is stored, once."""
    acknowledged: list[str] = []
    process = Process(folder, tmp_path / "chat.log", **environment)

    async def talk(socket: Socket, cut: int) -> None:
        for number in count():
            await socket.say(f"{cut}/{number}")
            await asyncio.sleep(1 / 50)  # fifty messages a second

    for cut in range(3 if quick else 20):
        async with process, Visitor(process.url, "ann", chat.step, transcript) as ann:
            await (ann.log_in() if cut else ann.sign_up())
            socket = await ann.join()
            talking = asyncio.create_task(talk(socket, cut))
            for _ in range(random.Random(cut).randint(1, 20)):
                acknowledged.append((await socket.receive("message"))["text"])
            await process.kill()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
    async with process, Visitor(process.url, "ann", chat.step, transcript) as ann:
        await ann.log_in()
        stored = await everything(await ann.connect("?after=0"))
    assert len(stored) == len(set(stored))
    assert [text for text in stored if text in set(acknowledged)] == acknowledged


@posix
@pytest.mark.section("Store, then announce")
@pytest.mark.real_database
async def test_what_was_acknowledged_while_the_chat_stops_is_stored(
    chat: Chat, process: Process, transcript: Transcript
) -> None:
    """Stopped in the middle of a burst, the chat says goodbye and keeps what it acknowledged."""
    async with Visitor(process.url, "ann", chat.step, transcript) as ann:
        await ann.sign_up()
        watcher, *sockets = [await ann.join() for _ in range(6)]
        for number in range(200):
            for socket in sockets:
                await socket.say(str(number))
        acknowledged = await watcher.texts(50)
        process.send(signal.SIGTERM)
        async with within(PATIENCE):
            texts, code = await goodbye(watcher.ws)
        acknowledged += [json.loads(text)["text"] for text in texts]
        assert code == 1001
        assert await process.ended(5) == 0
        assert "Traceback" not in process.output()
        await process.start()
        stored = await everything(await ann.connect("?after=0"))
    assert stored[: len(acknowledged)] == acknowledged


async def everything(socket: Socket) -> list[str]:
    """The texts of all that is replayed on a socket."""
    texts: list[str] = []
    while (event := await socket.receive("message", "here"))["type"] == "message":
        texts.append(event["text"])
    return texts


@pytest.mark.section("Store, then announce")
@pytest.mark.real_database
async def test_two_chats_may_share_one_database(chat: Chat, folder: Path, tmp_path: Path) -> None:
    """While a new version starts beside the old one, no message is refused and none is lost."""
    ann = await chat.visitor("ann")
    here = await ann.join()
    await here.say("the beginning")
    await here.until("the beginning")
    process = Process(folder, tmp_path / "chat.log")
    async with process, Visitor(process.url, "ann", chat.step, chat.transcript) as elsewhere:
        await elsewhere.log_in()
        there = await elsewhere.join()
        said: dict[Socket, list[str]] = {here: [], there: []}
        for number in range(50):
            for socket, ids in said.items():
                ids.append(await socket.say(f"message {number}"))
        for socket, ids in said.items():
            open_ids = set(ids)
            while open_ids:
                event = await socket.receive("message", "error")
                assert event["type"] == "message"
                open_ids.discard(event["client_id"])
    await chat.restart()
    line = await ann.connect("?after=0")
    stored = []
    while (event := await line.receive("message", "here"))["type"] == "message":
        stored.append(event["client_id"])
    assert sorted(stored[1:]) == sorted(said[here] + said[there])


# --- a database that is down -------------------------------------------------------------------


@pytest.mark.section("When the database is down")
@pytest.mark.real_database
@pytest.mark.parametrize(
    ("fail", "recover"),
    [
        pytest.param(Mongod.kill, Mongod.start, id="killed"),
        pytest.param(Mongod.pause, Mongod.resume, id="hanging", marks=posix),
    ],
)
async def test_a_database_that_is_down_is_said_so_and_found_again(
    chat: Chat,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fail: Callable[[Mongod], None],
    recover: Callable[[Mongod], None],
) -> None:
    """While the database is down you get 503 or an error event; afterwards all works again."""
    await chat.stop()
    with Mongod(tmp_path / "mongod") as database:
        monkeypatch.setenv("MONGO_URL", str(URL(database.url) / "chat"))
        await chat.start()
        ann = await chat.visitor("ann")
        socket = await ann.join()
        fail(database)
        client_id = await socket.say("anybody there?")
        async with within(3):
            error, page, post = await asyncio.gather(
                socket.receive("error"), ann.get("/"), ann.post("/", {"text": "hello?"})
            )
        assert error["client_id"] == client_id
        assert page.status == post.status == 503
        assert int(page.headers["Retry-After"]) > 0
        recover(database)
        async with within(5):
            await until_stored(ann, "here again")
        await socket.say("anybody there?", client_id)
        await socket.say("the end")
        heard = await socket.texts_until("the end")
        assert {"anybody there?", "here again", "the end"} <= set(heard)
        history = (await ann.get("/history")).json()["messages"]
        texts = [message["text"] for message in history]
        assert sorted(set(texts)) == sorted(texts)
        assert set(heard) <= set(texts)


@pytest.mark.section("Store, then announce")
@pytest.mark.real_database
async def test_what_is_stored_though_the_answer_got_lost_is_heard_once(
    chat: Chat, line: Line
) -> None:
    """If the database's answer gets lost, you get an error; who comes hears what it has stored."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    here, there = await ann.join(), await (await chat.visitor("carl")).join()
    line.hold("insert")
    client_id = await here.say("lost?")
    await line.holds()
    line.lose()
    line.let_go()
    answer = await here.receive("message", "error")
    assert (answer["type"], answer["client_id"]) == ("error", client_id)
    [stored] = (await ann.get("/history")).json()["messages"]
    first = await bob.connect("?after=0")
    assert await first.texts(1) == ["lost?"]
    second = await bob.connect(f"?after={stored['id']}")
    await here.say("lost?", client_id)
    await here.say("the end")
    for window, texts in ((first, []), (second, []), (there, ["lost?"])):
        heard = await window.texts_until("the end")
        assert heard == [*texts, "the end"]


@pytest.mark.section("Store, then announce")
@pytest.mark.real_database
async def test_whoever_waits_behind_what_is_not_stored_is_told_so_too(
    chat: Chat, line: Line
) -> None:
    """When a message cannot be stored, those that wait behind it get their errors at once."""
    ann, bob = [await (await chat.visitor(name)).join() for name in ("ann", "bob")]
    carl = await chat.visitor("carl")
    line.hold("insert")
    await ann.say("first")
    await line.holds()
    client_id = await bob.say("second")
    await carl.get("/history")  # so that the chat has heard bob
    line.lose()
    await ann.receive("error")
    async with within(1):  # and not after as long again
        assert (await bob.receive("error"))["client_id"] == client_id


@asynccontextmanager
async def second_process(chat: Chat) -> AsyncIterator[Callable[[str], Awaitable[Visitor]]]:
    """Another chat on the same database; yields a way to log in there for who has signed up."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(chat.create_app()))

        async def log_in(name: str) -> Visitor:
            visitor = Visitor(server.make_url("/"), name, chat.step, chat.transcript)
            await stack.enter_async_context(visitor)
            assert (await visitor.log_in()).status == 303
            return visitor

        yield log_in


@pytest.mark.section("Store, then announce")
@pytest.mark.real_database
async def test_what_is_said_at_a_second_process_is_heard_at_the_first(
    chat: Chat, line: Line
) -> None:
    """Two chats on one database: messages sent again leave no gap in which another gets lost."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    first, second, third = [await ann.join() for _ in range(3)]
    client_id = await first.say("one")
    await first.until("one")
    line.hold("insert")
    await first.say("two")
    await line.holds()
    await second.say("one", client_id)
    await bob.get("/history")  # so that the chat has heard this, before
    await third.say("three")
    await bob.get("/history")
    async with second_process(chat) as log_in:
        line.let_go()
        await first.until("three")
        elsewhere = await (await log_in("bob")).join()
        await elsewhere.say("four")
        await elsewhere.until("four")
        await first.say("five")
        heard = await first.texts_until("five")
    assert heard == ["four", "five"]


@pytest.mark.section("Coming back")
@pytest.mark.real_database
async def test_what_was_heard_at_one_process_does_not_come_again_at_another(
    chat: Chat, line: Line
) -> None:
    """Two chats on one database: come back to the other one, and nothing comes twice."""
    ann = await (await chat.visitor("ann")).join()
    for name in ("bob", "carl"):
        await chat.visitor(name)
    async with second_process(chat) as log_in:
        await ann.say("heard")
        heard = await ann.receive("message")
        bob = await (await log_in("bob")).join(f"?after={heard['id']}")
        carl = await (await log_in("carl")).connect("?after=0")
        await carl.say("the end")
        assert await bob.texts_until("the end") == ["the end"]
        assert await carl.texts_until("the end") == ["heard", "the end"]


@pytest.mark.section("When the database is down")
@pytest.mark.real_database
async def test_a_window_that_opens_while_the_chat_stops_is_sent_away(
    chat: Chat, line: Line
) -> None:
    """Whoever waits for the database while the chat stops gets 503, and does not hold it up."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    here = await ann.join()
    line.hold("insert")
    await here.say("slow")
    await line.holds()
    knock = asyncio.create_task(bob.knock())
    await ann.get("/history")  # so that the chat has heard the knock
    stopping = asyncio.create_task(chat.stop())
    assert await here.closed() == 1001
    line.let_go()
    assert await knock == 503
    async with within(PATIENCE):
        await stopping


@pytest.mark.section("When the database is down")
@pytest.mark.real_database
@pytest.mark.slow
async def test_whoever_has_waited_too_long_gives_up_alone(chat: Chat, line: Line) -> None:
    """A database that is slow: you wait for 3 s at most; who came later may still get through."""
    ann, bob, carl = [await (await chat.visitor(name)).join() for name in ("ann", "bob", "carl")]
    dora, emil = await chat.visitor("dora"), await chat.visitor("emil")
    line.hold("insert")
    await ann.say("first")
    await line.holds()
    second = await bob.say("second")
    knock = asyncio.create_task(dora.knock())
    await asyncio.sleep(1.25)  # half of bob's time
    third = await carl.say("third")
    await emil.get("/history")  # so that the chat has heard carl
    line.release()
    assert (await bob.receive("error"))["client_id"] == second
    assert await knock == 503
    line.let_go()
    while (answer := await carl.receive("message", "error"))["client_id"] != third:
        pass
    assert answer["type"] == "message"
    heard = await ann.texts_until("third")
    assert heard == ["first", "second", "third"]


@pytest.mark.section("When the database is down")
@pytest.mark.slow
@pytest.mark.in_memory
async def test_nothing_but_a_socket_may_take_its_time(chat: Chat) -> None:
    """Whoever does not finish what they send, or calls it a socket, is answered in 3 s: 503."""
    for header in (b"", b"Upgrade: websocket\r\n"):
        half = b"POST /login HTTP/1.1\r\nHost: here\r\n" + header
        half += b"Content-Type: application/x-www-form-urlencoded\r\n"
        half += b"Content-Length: 9\r\n\r\nlogin="
        async with within(3):
            assert b" 503 " in await send_raw(chat.url, half)


@pytest.mark.section("When the database is down")
@pytest.mark.slow
@pytest.mark.in_memory
@pytest.mark.parametrize(
    "url",
    ["mongodb://ann:hunter2@here:port/chat", "mongodb://ann:hunter2/@[here/chat", "mysql://x"],
)
async def test_an_address_that_is_none_is_said_so(
    folder: Path, environment: dict[str, str], url: str
) -> None:
    """With a MONGO_URL that is no address, the chat refuses to start, in a sentence."""
    done = await run(folder, "-m", "aiochat", MONGO_URL=url)
    assert done.returncode == 1
    assert "MONGO_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.section("Settings from the environment")
@pytest.mark.in_memory
async def test_the_settings_can_be_printed_and_the_password_stays_secret(
    folder: Path, environment: dict[str, str]
) -> None:
    """Whoever prints the settings, or has them in a log, does not see the database's password."""
    url = "mongodb://ann:hunter2@db.example/chat"
    done = await run(folder, "-c", PRINT_SETTINGS, MONGO_URL=url)
    assert "Settings" in done.stdout
    assert "hunter2" not in done.stdout


@pytest.mark.section("When the database is down")
@pytest.mark.real_database
async def test_the_chat_starts_before_its_database(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A chat whose database is not there yet starts, says 503, and works once it is there."""
    await chat.stop()
    database = Mongod(tmp_path / "mongod")
    monkeypatch.setenv("MONGO_URL", str(URL(database.url) / "chat"))
    await chat.start()
    ann = await chat.stranger("ann")
    assert (await ann.sign_up()).status == 503
    with database:
        async with within(PATIENCE):
            while (await ann.sign_up()).status == 503:
                pass
        socket = await ann.join()
        await socket.say("at last")
        assert await socket.texts(1) == ["at last"]


async def until_stored(person: Visitor, text: str) -> None:
    """Post a message until it is accepted."""
    async with within(PATIENCE):
        while (await person.post("/", {"text": text})).status != 303:
            pass


# --- in memory ---------------------------------------------------------------------------------


@pytest.mark.section("Without a database")
@pytest.mark.in_memory
async def test_the_store_in_memory_forgets_the_oldest_only(chat: Chat) -> None:
    """In memory the chat keeps the last two hundred messages, and not many more."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    for number in range(1_000):
        await socket.say(str(number), uuid4().hex)
        if number % 100 == 99:
            await socket.texts(100)
    oldest = await oldest_message(ann)
    assert 500 <= int(oldest["text"]) <= 800


async def oldest_message(person: Visitor) -> Event:
    socket = await person.connect("?after=0")
    return await socket.receive("message")


# --- whatever it is ----------------------------------------------------------------------------


async def history(person: Visitor) -> list[Event]:
    """The newest messages, as a person finds them."""
    found: list[Event] = (await person.get("/history")).json()["messages"]
    found_ids = [message["id"] for message in found]
    assert found_ids == sorted(set(found_ids))
    return found


async def send_frame(socket: Socket, frame: properties.Frame) -> None:
    """Send a frame that need not be JSON, nor even text."""
    kind, data = frame
    socket.transcript.send(f"on the socket, as {kind.name}: {data!r}")
    await socket.ws.send_frame(data, kind)


@pytest.mark.section("One name, one person")
@properties.for_any(15, name=properties.names)
async def test_whatever_name_is_taken_is_shown_or_refused(
    chat: Chat, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Any text as a name: you are called that, or it is answered with 400 and you are nobody."""
    person = await chat.stranger(name)
    answer = await person.post("/signup", person.form())
    if not properties.is_name(name):
        assert answer.status == 400
        assert (await person.get("/")).status == 303
    elif answer.status != 409:  # somebody has this name already, perhaps written differently
        assert answer.status == 303
        socket = await person.connect()
        assert properties.as_kept(name) in (await socket.receive("here"))["users"]
        await socket.close()
    assert properties.errors(caplog) == []


@pytest.mark.section("The history")
@properties.for_any(text=properties.ids)
async def test_whatever_stands_for_an_id_is_one_or_refused(
    ann: Visitor, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """Any text as ?before= or ?after=: up to 15 digits are an id, anything else is a 400."""
    answer = await ann.get(f"/history?before={properties.in_address(text)}", encoded=True)
    assert answer.status == (200 if properties.is_id(text) else 400)
    query = f"?after={properties.in_address(text)}"
    if properties.is_id(text):
        assert all(message["id"] < int(text) for message in answer.json()["messages"])
        await (await ann.connect(query)).close()
    else:
        assert await ann.knock(query) == 400
    await ann.post("/", {"text": "hello"})
    assert properties.errors(caplog) == []


@pytest.mark.section("Store, then announce")
@properties.for_any(text=properties.messages)
async def test_whatever_is_said_is_kept_as_it_was_said(
    ann: Visitor, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """Any text: what comes back, what is in the history and what is replayed is the same text."""
    socket = await ann.join()
    await socket.say(text)
    said = await socket.receive("message")
    assert said["text"] == properties.as_shown(text)
    await ann.post("/", {"text": said["text"]})
    posted = await socket.receive("message")
    assert posted["text"] == said["text"]
    assert (await history(ann))[-2:] == [said, posted]
    later = await ann.connect(f"?after={said['id'] - 1}")
    assert [await later.receive(), await later.receive()] == [said, posted]
    for one in (socket, later):
        await one.close()
    assert properties.errors(caplog) == []


@pytest.mark.section("Store, then announce")
@properties.for_any(30, frame=properties.frames)
async def test_whatever_a_socket_is_sent_is_said_or_refused(
    ann: Visitor, caplog: pytest.LogCaptureFixture, frame: properties.Frame
) -> None:
    """Any frame is a message, or answered with an error that changes nothing."""
    kind, data = frame
    before = await history(ann)
    socket = await ann.join()
    await send_frame(socket, frame)
    if kind is WSMsgType.TEXT and not properties.is_utf8(data):
        assert await socket.closed() == 1007
        return
    answer = await socket.receive("message", "error")
    message = properties.read_message(data)
    assert answer["type"] == ("error" if message is None else "message")
    if message is not None and answer not in before:  # if it is, its client_id was there before
        assert answer["text"] == properties.as_shown(str(message["text"]))
        before.append(answer)
    assert await history(ann) == before[-50:]
    await socket.close()
    assert properties.errors(caplog) == []
