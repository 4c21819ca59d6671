"""Step 01: a page that says hello, answered while another request sleeps."""

import asyncio
import signal
import time

import aiohttp
import psutil
import pytest
from aiohttp import web

from tests.conftest import Chat
from tests.people import START
from tests.process import Process, posix


@pytest.mark.section("The smallest server")
@pytest.mark.until(1)
async def test_the_page_says_hello(chat: Chat) -> None:
    """The page at / says hello."""
    visitor = await chat.visitor("ann")
    answer = await visitor.get("/")
    assert answer.status == 200
    assert "hello" in answer.text.lower()


@pytest.mark.section("One process, many visitors")
@pytest.mark.until(2)
async def test_ten_visitors_wait_no_longer_than_one(chat: Chat) -> None:
    """While one request waits, the others are answered."""
    path = "/" if chat.step == 1 else "/wait/1"
    visitor = await chat.visitor("ann")
    started = time.perf_counter()
    await visitor.get(path)
    one = time.perf_counter() - started
    started = time.perf_counter()
    await asyncio.gather(*(visitor.get(path) for _ in range(10)))
    ten = time.perf_counter() - started
    assert one >= 0.5, "the page waits before it answers"
    assert ten < 5 * one, f"ten at once took {ten:.1f} s, one {one:.1f} s"


@pytest.mark.section("The application factory")
async def test_every_call_of_create_app_makes_a_new_application(chat: Chat) -> None:
    """create_app() makes a new application each time."""
    first, second = chat.create_app(), chat.create_app()
    assert isinstance(first, web.Application)
    assert first is not second


@pytest.mark.section("Start and stop")
@pytest.mark.proves(START)
async def test_python_m_aiochat_starts_the_chat(process: Process) -> None:
    """python -m aiochat starts the chat, and it answers."""
    async with aiohttp.ClientSession(process.url) as session:
        answer = await session.get("/nowhere")
        assert answer.status == 404


@pytest.mark.section("Start and stop")
@pytest.mark.in_memory
async def test_it_listens_on_this_machine_only(process: Process) -> None:
    """Nobody on your network can reach the chat while you develop it."""
    found = process.usage.net_connections("tcp")
    addresses = {one.laddr.ip for one in found if one.laddr and one.status == psutil.CONN_LISTEN}
    assert addresses
    for address in addresses:
        assert address in {"127.0.0.1", "::1"}


@posix
@pytest.mark.section("Start and stop")
@pytest.mark.in_memory
async def test_the_log_has_one_line_for_each_request(process: Process) -> None:
    """Each request is one line in the log."""
    async with aiohttp.ClientSession(process.url) as session:
        for number in range(3):
            await session.get(f"/nowhere-{number}")
    process.send(signal.SIGINT)
    await process.ended(10)
    lines = [line for line in process.output().splitlines() if "/nowhere-" in line]
    assert len(lines) == 3


@posix
@pytest.mark.section("Start and stop")
@pytest.mark.in_memory
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_a_signal_stops_it_in_peace(process: Process, name: str) -> None:
    """Ctrl-C stops the chat at once and without an error."""
    async with aiohttp.ClientSession(process.url) as session:
        await session.get("/nowhere")
        process.send(signal.Signals[name])
        assert await process.ended(5) == 0
    assert "Traceback" not in process.output()
