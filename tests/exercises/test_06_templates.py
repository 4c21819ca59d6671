"""The exercises of chapter 6."""

import re
from html import unescape

import pytest
from playwright.async_api import Browser, expect

from tests.browsing import Window
from tests.conftest import Chat
from tests.test_04_middlewares import HTML

MEAN_NAME = "<img src=x onerror=alert(1)>"


def title_of(page: str) -> str:
    found = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert found, "the page has no title"
    return found[1].strip()


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_the_title_of_the_chat_says_whose_window_it_is(chat: Chat) -> None:
    """The title of the chat begins with your name; the other pages keep theirs."""
    for name in ("ann", "<b>bob</b>"):
        visitor = await chat.visitor(name)
        title = title_of((await visitor.get("/")).text)
        assert unescape(title) == f"{name} · aiochat"
        assert "<" not in title
        assert title_of((await visitor.get("/login")).text) == "Log in · aiochat"
        lost = await visitor.get("/nowhere", headers=HTML)
        assert title_of(lost.text) == "404 Not Found · aiochat"


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_the_page_says_who_comes_and_goes(chat: Chat, browser: Browser) -> None:
    """The page says "bob has joined" and "bob has left", whatever bob is called."""
    witness = await (await chat.visitor("carl")).join()
    window = await Window.open(browser, chat, "ann")
    await witness.receive("joined")  # from now on, ann's window hears what happens
    for name in ("bob", MEAN_NAME):
        socket = await (await chat.visitor(name)).join()
        await expect(window.messages.filter(has_text=f"{name} has joined")).to_have_count(1)
        await socket.close()
        await expect(window.messages.filter(has_text=f"{name} has left")).to_have_count(1)
    assert await window.messages.locator("img").count() == 0
    await window.say("back to the messages")
    await expect(window.texts).to_have_text(["back to the messages"])
    assert window.trouble == []


@pytest.mark.exercise(3)
@pytest.mark.section("Exercises")
async def test_an_address_in_a_message_is_a_link_and_nothing_else_is_html(chat: Chat) -> None:
    """https://example.com/ is a link; what else bob writes is still text."""
    bob = await chat.visitor("bob")
    texts = [
        "See https://example.com/ <b>now</b>",
        'https://example.com/"onmouseover="alert(1)',
        "javascript:alert(1)",
        "<script>alert(1)</script>",
    ]
    for text in texts:
        assert (await bob.post("/", {"text": text})).status == 303
    page = (await bob.get("/")).text
    shown = re.findall(r'<p class="text"[^>]*>(.*?)</p>', page, re.DOTALL)[: len(texts)]
    assert 'href="https://example.com/"' in shown[0]
    for text, html in zip(texts, shown, strict=True):
        words = re.sub(r"</?a\b[^>]*>", "", html)
        assert "<" not in words
        assert unescape(words) == text
        for link in re.findall(r"<a\b[^>]*>", html):
            assert re.fullmatch(r'<a( (href|rel|target|class)="[^"<>]*")*>', link)
            assert "javascript:" not in link
