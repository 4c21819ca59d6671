"""The exercises of chapter 8."""

import pytest
from playwright.async_api import Browser, expect

from tests.browsing import Window
from tests.conftest import Chat
from tests.people import Socket
from tests.test_08_static import files_of, path_ending


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_a_stranger_who_asks_for_favicon_ico_is_sent_to_the_icon(chat: Chat) -> None:
    """/favicon.ico leads to the icon that the pages name, and nobody has to log in for it."""
    stranger = await chat.stranger()
    answer = await stranger.get("/favicon.ico")
    assert answer.status in {302, 303, 307}
    assert answer.location == path_ending(await files_of(stranger, "/login"), "/icon.svg")
    icon = await stranger.get("/favicon.ico", follow=True)
    assert icon.status == 200
    assert icon.headers["Content-Type"] == "image/svg+xml"


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_the_button_says_how_many_messages_are_new(chat: Chat, browser: Browser) -> None:
    """Further up, the button counts what comes; at the end, it begins anew."""
    bob: Socket = await (await chat.visitor("bob")).join()
    for number in range(60):
        await bob.say(f"number {number}")
    await bob.until("number 59")
    ann = await Window.open(browser, chat, "ann")
    await ann.connected()
    button = ann.page.locator("#newer")

    async def scroll(to: int) -> None:
        """Scroll, and wait until the page has noticed."""
        await ann.page.evaluate(
            """async top => {
                document.querySelector("#history").scrollTop = top;
                for (let n = 0; n < 3; n++) await new Promise(requestAnimationFrame);
            }""",
            to,
        )

    await bob.say("seen at once")
    await expect(ann.texts.last).to_have_text("seen at once")
    await expect(button).to_be_hidden()
    await scroll(-600)
    for count, words in enumerate(("1 new message", "2 new messages", "3 new messages"), 1):
        await bob.say(f"unread {count}")
        await expect(button).to_have_text(words)
    await scroll(0)
    await expect(button).to_be_hidden()
    await scroll(-600)
    await bob.say("one more")
    await expect(button).to_have_text("1 new message")
    await button.click()
    await expect(button).to_be_hidden()
