"""The exercises of chapter 5."""

import asyncio

import pytest

from tests.conftest import Chat


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_a_page_of_history_has_as_many_messages_as_one_asks_for(chat: Chat) -> None:
    """/history?limit=5 answers the newest five, and /history fifty."""
    ann = await chat.visitor("ann")
    socket = await ann.join()
    for number in range(60):
        await socket.say(str(number))
    await socket.until("59")
    for query, count in (("?limit=5", 5), ("?limit=1", 1), ("?limit=50", 50), ("", 50)):
        messages = (await ann.get(f"/history{query}")).json()["messages"]
        assert [message["text"] for message in messages] == list(map(str, range(60 - count, 60)))
    page = (await ann.get(f"/history?limit=5&before={messages[-5]['id']}")).json()["messages"]
    assert [message["text"] for message in page] == ["50", "51", "52", "53", "54"]


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_nobody_gets_the_whole_history_at_once(chat: Chat) -> None:
    """A limit that is not a number from 1 to 50 is answered with 400."""
    ann = await chat.visitor("ann")
    for limit in ("0", "00", "51", "-1", "999", "5.5", "many", "", "9" * 5_000):
        assert (await ann.get(f"/history?limit={limit}")).status == 400, limit


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_it_is_counted_how_often_somebody_has_logged_in(chat: Chat) -> None:
    """After signing up and three logins, /me answers your name and the number 3."""
    ann, bob = await chat.visitor("Ann"), await chat.visitor("bob")
    for _ in range(3):
        await ann.log_in(login="ann")
    assert (await ann.get("/me")).json() == {"name": "Ann", "logins": 3}
    assert (await bob.get("/me")).json() == {"name": "bob", "logins": 0}


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
@pytest.mark.real_database
async def test_no_login_is_lost_when_many_come_at_once(chat: Chat) -> None:
    """Twenty logins at the same moment count as twenty."""
    ann = await chat.visitor("ann")
    await asyncio.gather(*(ann.log_in() for _ in range(20)))
    assert (await ann.get("/me")).json()["logins"] == 20
