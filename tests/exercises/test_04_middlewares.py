"""The exercises of chapter 4."""

import re

import pytest

from tests.conftest import Chat
from tests.people import Answer


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_an_id_from_outside_is_used(chat: Chat) -> None:
    """A request that brings an id of letters, digits and hyphens keeps it."""
    visitor = await chat.stranger()
    for given in ("a1b2c3d4", "7F3e-" * 12, "x" * 64):
        answer = await visitor.get("/login", headers={"X-Request-ID": given})
        assert answer.headers["X-Request-ID"] == given


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_an_id_that_is_none_is_replaced(chat: Chat) -> None:
    """An id that is too short, too long, or has other characters is replaced by one of ours."""
    visitor = await chat.stranger()
    for given in ("", "a1b2c3d", "x" * 65, "all is well", 'a1b2c3d4"', "a1b2c3d4\tGET", "é" * 9):
        answer = await visitor.get("/login", headers={"X-Request-ID": given})
        assert re.fullmatch("[0-9A-Za-z-]{8,64}", answer.headers["X-Request-ID"]), given


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_every_answer_says_how_long_it_took(chat: Chat) -> None:
    """Pages, redirects and errors have a header Server-Timing, such as app;dur=1.2."""
    ann = await chat.visitor("ann")
    answers = [
        await ann.get("/"),
        await ann.post("/", {"text": "hello"}),
        await ann.post("/", {"text": ""}),
        await ann.get("/nowhere"),
        await ann.post("/", {"text": "x"}, headers={"Origin": "http://evil.example"}),
        await (await chat.stranger()).get("/"),
    ]
    assert [answer.status for answer in answers] == [200, 303, 400, 404, 403, 303]
    for answer in answers:
        assert milliseconds(answer) < 10_000


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_an_answer_from_before_the_middlewares_is_still_given(chat: Chat) -> None:
    """A request that aiohttp itself refuses is answered as before."""
    visitor = await chat.stranger()
    answer = await visitor.post("/login", headers={"Expect": "miracles"})
    assert answer.status == 417


def milliseconds(answer: Answer) -> float:
    """Return how long an answer says that it took."""
    timing = re.fullmatch(r"app;dur=(\d+(\.\d+)?)", answer.headers.get("Server-Timing", ""))
    assert timing, "there is no Server-Timing that says it"
    return float(timing[1])


@pytest.mark.exercise(3)
@pytest.mark.section("Exercises")
async def test_another_name_for_this_computer_is_refused(chat: Chat) -> None:
    """Whoever asks for evil.example is answered with 421, though Host and Origin agree."""
    ann = await chat.visitor("ann")
    for host in ("evil.example", f"evil.example:{chat.url.port}", "127.0.0.1.evil.example"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert (await ann.post("/", {"text": "not mine"}, headers=headers)).status == 421
        assert (await ann.get("/", headers={"Host": host})).status == 421
        assert await ann.knock(**headers) == 421
    assert "not mine" not in (await ann.get("/")).text


@pytest.mark.exercise(3)
@pytest.mark.section("Exercises")
async def test_our_own_names_are_welcome(chat: Chat) -> None:
    """127.0.0.1 and localhost are answered, with a port and without; another site still is not."""
    ann = await chat.visitor("ann")
    for host in ("127.0.0.1", "localhost", f"localhost:{chat.url.port}"):
        assert (await ann.get("/login", headers={"Host": host})).status == 200
    answer = await ann.post("/", {"text": "x"}, headers={"Origin": "http://evil.example"})
    assert answer.status == 403
