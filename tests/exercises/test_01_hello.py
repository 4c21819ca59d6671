"""The exercises of chapter 1."""

import asyncio
import time

import pytest

from tests.conftest import Chat


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_a_second_address_says_what_time_it_is(chat: Chat) -> None:
    """/time says what time it is, as 10:42:07."""
    visitor = await chat.stranger()
    answer = await visitor.get("/time")
    assert answer.status == 200
    assert time.strptime(answer.text.strip(), "%H:%M:%S")


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_two_waits_at_the_same_time_take_one_second(chat: Chat) -> None:
    """/both answers "one two" in little more than a second."""
    visitor = await chat.stranger()
    started = time.perf_counter()
    answer = await visitor.get("/both")
    took = time.perf_counter() - started
    assert answer.text.split() == ["one", "two"]
    assert 0.9 < took < 1.9


@pytest.mark.exercise(3)
@pytest.mark.section("Exercises")
async def test_slow_work_in_a_thread_holds_nobody_up(chat: Chat) -> None:
    """While /slow is at work, the others are answered."""
    visitor = await chat.stranger()
    slow = asyncio.create_task(visitor.get("/slow"))
    await visitor.get("/")
    assert not slow.done()
    answer = await slow
    assert answer.text == "Done.\n"
