"""Step 06: a real page in the browser."""

from html import unescape

import pytest
from playwright.async_api import Browser, expect

from tests.browsing import Window
from tests.cases import XSS
from tests.conftest import Chat
from tests.test_04_middlewares import HTML


@pytest.mark.section("The first template")
async def test_the_chat_is_an_html_page_with_a_title_and_a_language(chat: Chat) -> None:
    """The chat is an HTML page with a title, a language and a form."""
    page = await (await chat.visitor("ann")).get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    for part in ('<html lang="en">', "<title>", 'name="text"', 'method="post"'):
        assert part in page.text


@pytest.mark.section("One base for all pages")
async def test_every_page_says_who_you_are_and_lets_you_sign_out(chat: Chat) -> None:
    """Each page, an error too, has your name and a button to sign out."""
    ann = await chat.visitor("ann the first")
    for path in ("/", "/login", "/nowhere"):
        page = await ann.get(path, headers=HTML)
        assert "ann the first" in page.text, path
        assert 'action="/signout"' in page.text, path
    stranger = await chat.stranger()
    assert 'action="/signout"' not in (await stranger.get("/login")).text


@pytest.mark.section("A form that remembers")
async def test_a_refused_form_comes_back_with_the_reason_and_what_was_typed(chat: Chat) -> None:
    """When a name is refused, the form comes back with the reason and the name."""
    await chat.visitor("ann")
    answer = await (await chat.stranger("ann")).sign_up()
    assert answer.status == 409
    assert "taken" in answer.text
    assert 'value="ann"' in answer.text


@pytest.mark.section("Nothing that people write may run")
async def test_a_refused_name_is_shown_and_does_not_run(chat: Chat) -> None:
    """A name full of HTML comes back as text."""
    for name in (text for text in XSS if len(text) <= 40):
        answer = await (await chat.stranger(name)).log_in()
        assert answer.status == 403
        assert f'value="{name}"' in unescape(answer.text)
        if set(name) & set("<\"'"):
            assert name not in answer.text


@pytest.mark.section("The page comes alive")
async def test_two_people_chat_in_their_browsers(chat: Chat, browser: Browser) -> None:
    """Two browsers: what one says, the other sees at once, with the name beside it."""
    ann = await Window.sign_up(browser, chat, "ann")
    bob = await Window.sign_up(browser, chat, "bob")
    await ann.say("hello, bob")
    await bob.shows("hello, bob")
    await expect(bob.messages.locator(".user")).to_have_text(["ann"])
    await bob.say("hello, ann")
    await ann.shows("hello, bob", "hello, ann")
    await ann.page.reload()
    await ann.shows("hello, bob", "hello, ann")
    assert ann.trouble + bob.trouble == []


@pytest.mark.section("The page comes alive")
async def test_the_chat_works_without_javascript(chat: Chat, browser: Browser) -> None:
    """With JavaScript off, the form is posted and the page is loaded again."""
    window = await Window.sign_up(browser, chat, "ann", java_script_enabled=False)
    await window.page.fill("#say [name=text]", "no scripts here")
    await window.page.click("#say button:not([type=button])")
    await window.shows("no scripts here")


@pytest.mark.section("Nothing that people write may run")
async def test_whatever_people_write_is_shown_and_does_not_run(
    chat: Chat, browser: Browser
) -> None:
    """Thirty ways to smuggle a script, as names and as messages: all shown, none runs."""
    window = await Window.open(browser, chat, "watcher")
    names = [text if len(text) <= 40 else f"somebody {XSS.index(text)}" for text in XSS]
    for name, text in zip(names, XSS, strict=True):
        socket = await (await chat.visitor(name)).join()
        await socket.say(text)
        await socket.texts(1)
        await socket.close()
    for _ in range(2):  # as they come in, and when the page is loaded again
        await expect(window.messages).to_have_count(len(XSS))
        assert await window.texts.evaluate_all("all => all.map(one => one.textContent)") == XSS
        users = window.messages.locator(".user")
        assert await users.evaluate_all("all => all.map(one => one.textContent)") == names
        await window.page.reload()
    assert window.trouble == []
