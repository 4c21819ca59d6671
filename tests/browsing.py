"""A person at a real browser, for what only a browser can show."""

from typing import Any, Self

from playwright.async_api import Browser, Locator, Page, WebSocketRoute, expect

from tests import people
from tests.conftest import Chat
from tests.people import LOGIN, PASSWORD, Visitor, needing

SIZE = {"width": 800, "height": 700}


class Cable:
    """What a page is connected by, from step 08 on: it can lose what is sent, or be cut."""

    def __init__(self) -> None:
        self.loses_questions = False  # what the page sends
        self.loses_answers = False  # what the chat sends
        self.end: WebSocketRoute

    async def plug_in(self, window: "Window") -> None:
        """Load the page again, and connect it by this cable from now on."""
        await window.page.route_web_socket("**/ws*", self._connect)
        await window.page.reload()
        await window.connected()

    async def cut(self) -> None:
        """End the connection; the next one works."""
        self.loses_questions = self.loses_answers = False
        await self.end.close()

    def _connect(self, end: WebSocketRoute) -> None:
        self.end = end
        chat = end.connect_to_server()
        end.on_message(lambda message: None if self.loses_questions else chat.send(message))
        chat.on_message(lambda message: None if self.loses_answers else end.send(message))


class Window:
    """A browser window with the chat in it; `trouble` is what should not have happened."""

    def __init__(self, page: Page, chat: Chat) -> None:
        self.page = page
        self.chat = chat
        self.trouble: list[str] = []
        patience = 1000 * people.stretched(people.PATIENCE)
        page.set_default_timeout(patience)
        expect.set_options(timeout=patience)
        page.on("dialog", lambda dialog: self.trouble.append(f"dialog: {dialog.message}"))
        page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))

    @classmethod
    async def open(cls, browser: Browser, chat: Chat, name: str, **options: Any) -> Self:
        """Open a browser of their own for somebody who has just signed up, at the chat.

        The options are Playwright's for a browser context.
        """
        visitor = await chat.visitor(name)
        context = await browser.new_context(**{"viewport": SIZE} | options)
        window = cls(await context.new_page(), chat)
        await window.become(visitor)
        await window.goto("/")
        return window

    @classmethod
    async def sign_up(cls, browser: Browser, chat: Chat, name: str, **options: Any) -> Self:
        """Open a browser of their own for somebody who signs up with it."""
        context = await browser.new_context(**{"viewport": SIZE} | options)
        window = cls(await context.new_page(), chat)
        with needing(LOGIN):
            await window.goto("/signup")
            await window.fill_in(name)
            await expect(window.page.locator("#messages")).to_be_attached()
        return window

    async def become(self, visitor: Visitor) -> None:
        """Have the cookies of somebody, as after their login."""
        url = str(self.chat.url)
        for cookie in visitor.session.cookie_jar:
            await self.page.context.add_cookies(
                [{"name": cookie.key, "value": cookie.value, "url": url}]
            )

    async def goto(self, path: str) -> None:
        await self.page.goto(str(self.chat.url.with_path(path)))

    async def fill_in(self, name: str) -> None:
        """Fill in the form for a name and, from step 07 on, a password, and send it."""
        await self.page.fill("[name=login]", name)
        if self.chat.step >= 7:
            await self.page.fill("[name=password]", PASSWORD)
        await self.page.click("main button")

    async def say(self, text: str) -> None:
        await self.page.fill("#say [name=text]", text)
        await self.page.press("#say [name=text]", "Enter")

    @property
    def status(self) -> Locator:
        """What the page says of its connection, from step 08 on."""
        return self.page.locator("#status")

    async def connected(self) -> None:
        await expect(self.status).to_have_text(
            "Connected", timeout=4000 * people.stretched(people.PATIENCE)
        )

    @property
    def waiting(self) -> Locator:
        """Messages that the chat has not acknowledged, from step 08 on."""
        return self.page.locator("#waiting > li")

    @property
    def messages(self) -> Locator:
        """The messages that everybody has."""
        return self.page.locator("#messages > li")

    @property
    def texts(self) -> Locator:
        return self.messages.locator(".text")

    async def scroll_up(self, pixels: int) -> None:
        """Read further up, and wait until the page knows: it hears of it with its next picture."""
        await self.page.locator("#history").evaluate(
            """(box, pixels) => new Promise((done) => {
                box.addEventListener("scroll", done, { once: true });
                box.scrollTop -= pixels;
            })""",
            pixels,
        )

    async def shows(self, *texts: str) -> None:
        """Wait until these are the texts on the page, and all of them."""
        await expect(self.texts).to_have_text(list(texts))
