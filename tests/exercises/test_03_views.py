"""The exercises of chapter 3."""

import pytest

from tests.conftest import Chat


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_a_program_gets_the_messages_as_json(chat: Chat) -> None:
    """GET / answers a program that accepts application/json with a list of the messages."""
    ann = await chat.visitor("ann")
    for text in ("hello", "page"):
        await ann.post("/", {"text": text})
    answer = await ann.get("/", headers={"Accept": "application/json"})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    messages = answer.json()
    assert [message["text"] for message in messages] == ["hello", "page"]
    assert {message["user"] for message in messages} == {"ann"}
    assert {message["type"] for message in messages} == {"message"}


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_everybody_else_gets_the_page(chat: Chat) -> None:
    """GET / answers everybody else with the page, as before."""
    ann = await chat.visitor("ann")
    await ann.post("/", {"text": "hello"})
    for headers in ({}, {"Accept": "text/html,*/*;q=0.8"}):
        answer = await ann.get("/", headers=headers)
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.text == "ann: hello\n"


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_everybody_hears_who_is_typing(chat: Chat) -> None:
    """When a client sends {"type": "typing"}, everybody hears who is typing."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    ann_socket, bob_socket = await ann.join(), await bob.join()
    await bob_socket.send({"type": "typing", "user": "ann"})
    for socket in (bob_socket, ann_socket):
        event = await socket.receive("typing", "message", "error")
        assert event == {"type": "typing", "user": "bob"}


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_who_is_typing_has_not_said_anything(chat: Chat) -> None:
    """Typing is not on the page, and nonsense is still answered with an error."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    await socket.send({"type": "typing"})
    await socket.send({"type": "shout", "text": "hello"})
    assert (await socket.receive("error"))["reason"]
    await socket.say("at last")
    assert await socket.texts(1) == ["at last"]
    assert (await ann.get("/")).text == "ann: at last\n"


@pytest.mark.exercise(3)
@pytest.mark.section("Exercises")
async def test_a_pulled_cable_is_noticed(chat: Chat) -> None:
    """A window from which nothing comes any more has left within a few seconds."""
    ann, bob = await chat.visitor("ann"), await chat.visitor("bob")
    watcher, socket = await ann.join(), await bob.join()
    socket.stop_reading()
    assert await watcher.receive("left") == {"type": "left", "user": "bob"}
    await watcher.say("who is left?")
    assert await watcher.texts(1) == ["who is left?"]
