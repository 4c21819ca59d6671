"""`talk`: a small chat client for the terminal, for every step that has a socket."""

import asyncio
import json
import random
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
from yarl import URL

from tools.paths import COMMAND
from tools.problem import Problem
from tools.steps import FIRST_WITH_SOCKET
from tools.terminal import ask_password, clean, read_lines, show

LONGEST_TEXT = 4000
LONGEST_PAUSE = 30.0  # seconds between two tries to connect
NOT_OURS = (ValueError, TypeError, KeyError, AttributeError)  # what odd events end in
LAST_WORDS = 5.0  # seconds that the last messages have to be acknowledged


def talk(url: URL, name: str, password: str | None) -> int:
    """Talk under a name until the input ends; return 0 if the chat has acknowledged everything.

    Raises Problem when nothing answers at `url` or the chat does not let this person in.
    """
    try:
        if asyncio.run(asks_for_password(url)) and password is None:
            password = ask_password(name)
        return asyncio.run(talk_until_the_end(url, name, password))
    except aiohttp.ClientResponseError as error:
        raise Problem(f"{url} answers {error.status} {error.message}: try again later.") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Problem(f"Nothing answers at {url}; start a chat with: {COMMAND} run") from error


def open_session() -> aiohttp.ClientSession:
    # `unsafe` lets cookies come from an address such as 127.0.0.1.
    jar = aiohttp.CookieJar(unsafe=True)
    return aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=10))


async def asks_for_password(url: URL) -> bool:
    """Look at the login page: does it ask for a password? Raises Problem if there is none."""
    async with open_session() as session, session.get(url / "login") as page:
        if page.status == 404:
            raise Problem(f"The chat at {url} has no socket yet: step {FIRST_WITH_SOCKET} has one.")
        return 'type="password"' in await page.text()


async def talk_until_the_end(url: URL, name: str, password: str | None) -> int:
    async with open_session() as session:
        chat = Chat(session, url, name, password)
        await chat.sign_in()
        await chat.show_history()
        tasks = [asyncio.create_task(chat.stay_connected()), asyncio.create_task(chat.send_input())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    if chat.unacknowledged:
        print(f"!! not acknowledged: {len(chat.unacknowledged)}", flush=True)
    return 1 if chat.unacknowledged else 0


@dataclass
class Chat:
    """One person's conversation, over as many connections as it takes."""

    session: aiohttp.ClientSession
    url: URL
    name: str
    password: str | None
    socket: aiohttp.ClientWebSocketResponse | None = None
    last_id: int | None = None  # of the newest message seen
    heard: set[tuple[str, str]] = field(default_factory=set)  # client_id and author of each message
    unacknowledged: dict[str, str] = field(default_factory=dict)  # client_id to text, oldest first
    all_acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    pause: float = 1.0  # seconds until the next try to connect, at most

    async def sign_in(self) -> None:
        """Log in, or sign up if that is refused. Raises Problem if the name is not to be had."""
        for page in ("login", "signup"):
            status = await self.post_name(page)
            if status == 303:
                return
        if status == 409:
            raise Problem(f"{self.name} belongs to somebody else: choose another --name.")
        rule = " (a password has 8 to 128 characters)" if self.password else ""
        raise Problem(f"The chat does not let {self.name} in{rule}: try another --name.")

    async def post_name(self, page: str) -> int:
        form = {"login": self.name} | ({"password": self.password} if self.password else {})
        async with self.session.post(self.url / page, data=form, allow_redirects=False) as answer:
            if answer.status == 429 or answer.status >= 500:
                answer.raise_for_status()
            return answer.status

    async def show_history(self) -> None:
        """Show the latest messages, if this chat keeps them (from step 05 on)."""
        async with self.session.get(self.url / "history", allow_redirects=False) as answer:
            text = await answer.text()
            if answer.status != 200:
                return
        try:
            for message in json.loads(text)["messages"]:
                self.take({"type": "message"} | message)
        except NOT_OURS:
            show(f"?? no history of this chat: {text}")

    async def stay_connected(self) -> None:
        """Converse, and connect again when the connection is lost, with growing patience."""
        while True:
            try:
                await self.converse()
            except aiohttp.WSServerHandshakeError as refusal:
                if refusal.status == 404:
                    raise Problem(f"There is no chat at {self.url / 'ws'}.") from refusal
                if refusal.status in (200, 303, 401, 403):  # it has forgotten who we are
                    with suppress(aiohttp.ClientError, TimeoutError):
                        await self.sign_in()
            except (aiohttp.ClientError, TimeoutError):
                pass
            show("-- the connection is lost: trying again")
            await asyncio.sleep(self.pause * random.random())
            self.pause = min(2 * self.pause, LONGEST_PAUSE)

    async def converse(self) -> None:
        """Connect, send what is unacknowledged, and show what comes, until the socket closes."""
        after = {} if self.last_id is None else {"after": str(self.last_id)}
        socket = self.session.ws_connect(self.url / "ws", params=after, heartbeat=30)
        async with socket as self.socket:
            self.pause = 1.0
            for client_id, text in list(self.unacknowledged.items()):
                await self.send(client_id, text)
            async for frame in self.socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self.receive(frame.data)
            if self.socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION:
                raise Problem("The chat has ended this session: sign in again by starting anew.")

    async def send_input(self) -> None:
        """Send each line of the input; when it ends, give the chat time to acknowledge."""
        lines = read_lines()
        while (line := await lines.get()) is not None:
            text = clean(line).strip()
            if len(text) > LONGEST_TEXT:
                show(f"!! too long: a message has at most {LONGEST_TEXT} characters")
            elif text:
                client_id = uuid.uuid4().hex
                self.unacknowledged[client_id] = text
                self.all_acknowledged.clear()
                await self.send(client_id, text)
        if self.unacknowledged:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.all_acknowledged.wait(), LAST_WORDS)

    async def send(self, client_id: str, text: str) -> None:
        """Send a message if there is a connection; the next connection sends what is lost."""
        if self.socket is not None and not self.socket.closed:
            message = {"type": "message", "text": text, "client_id": client_id}
            with suppress(aiohttp.ClientConnectionError):
                await self.socket.send_str(json.dumps(message, ensure_ascii=False))

    def receive(self, data: str) -> None:
        """Show a frame: one event or a list of them."""
        try:
            events = json.loads(data)
            for event in events if isinstance(events, list) else [events]:
                self.take(event)
        except NOT_OURS:
            show(f"?? no event of this chat: {data}")

    def take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "message":
                if self.is_new(event):
                    time = datetime.fromisoformat(event["at"]).astimezone()
                    show(f"{time:%H:%M} {event['user']}: {event['text']}")
                    self.last_id = event["id"]
                self.acknowledge(event)
            case "joined" | "left" as what:
                show(f"-- {event['user']} {what}")
            case "here":
                show(f"-- here: {', '.join(event['users'])}")
            case "error":
                show(f"!! {event['reason']}")
                self.forget(event.get("client_id") or next(iter(self.unacknowledged), ""))

    def is_new(self, event: dict[str, Any]) -> bool:
        """Note a message, and say whether it is new: one that was sent again comes back again."""
        if "client_id" not in event:  # before step 05
            return True
        key = (event["client_id"], event["user"])
        if key in self.heard:
            return False
        self.heard.add(key)
        return True

    def acknowledge(self, event: dict[str, Any]) -> None:
        """Take one's own message, come back, as its acknowledgement."""
        if client_id := event.get("client_id"):
            self.forget(client_id)
        elif event["user"] == self.name:  # before step 05 there is no client_id
            texts = self.unacknowledged.items()
            self.forget(next((key for key, text in texts if text == event["text"]), ""))

    def forget(self, client_id: str) -> None:
        self.unacknowledged.pop(client_id, None)
        if not self.unacknowledged:
            self.all_acknowledged.set()
