"""The exercises of chapter 7."""

import asyncio

import pytest

from tests.conftest import Chat
from tests.people import PASSWORD

BETTER = "staples for a battery horse"


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_the_first_page_after_the_login_says_welcome(chat: Chat) -> None:
    """After the login the next page says "Welcome, Zoë.", and the page after that does not."""
    zoe = await chat.visitor("Zoë")
    await zoe.get("/history")  # no page, so nobody has read it yet
    assert "Welcome, Zoë." in (await zoe.get("/")).text
    assert "Welcome" not in (await zoe.get("/")).text
    await zoe.log_in()
    assert "Welcome, Zoë." in (await zoe.get("/")).text


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_a_name_in_the_welcome_is_shown_as_it_is(chat: Chat) -> None:
    """The welcome shows <b>ann</b> literally, and not bold."""
    ann = await chat.visitor("<b>ann</b>")
    assert "Welcome, &lt;b&gt;ann&lt;/b&gt;." in (await ann.get("/")).text


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_only_who_knows_the_old_password_gets_a_new_one(chat: Chat) -> None:
    """A wrong old password is refused with 403, a bad new one with 400; nothing changes then."""
    ann, thief = await chat.visitor("ann"), await chat.stranger("ann")
    wrong = {"old": "not the password", "password": BETTER}
    assert (await ann.post("/password", wrong)).status == 403
    for bad in ("short", "password", ""):
        answer = await ann.post("/password", {"old": PASSWORD, "password": bad})
        assert answer.status == 400
    answer = await thief.post("/password", {"old": PASSWORD, "password": BETTER})
    assert (answer.status, answer.location) == (303, "/login")
    assert (await thief.log_in(password=BETTER)).status == 403
    assert (await thief.log_in()).status == 303


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_a_new_password_ends_the_sessions_begun_with_the_old_one(chat: Chat) -> None:
    """The new password opens, the old one does not, and your other browsers are out (1008)."""
    bob = await chat.visitor("bob")
    ann, elsewhere = await chat.visitor("ann"), await chat.stranger("ann")
    await elsewhere.log_in()
    socket = await elsewhere.join()
    code = asyncio.create_task(socket.closed())
    answer = await ann.post("/password", {"old": PASSWORD, "password": BETTER})
    assert (answer.status, answer.location) == (303, "/")
    assert await code == 1008
    assert (await elsewhere.get("/")).status == 303
    for person in (ann, bob):
        assert (await person.get("/")).status == 200
    assert (await elsewhere.log_in()).status == 403
    assert (await elsewhere.log_in(password=BETTER)).status == 303
