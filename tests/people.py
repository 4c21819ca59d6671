"""The people in the tests: what a person does at the chat, whichever step it is."""

import asyncio
import io
import json
import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

import psutil
from aiohttp import (
    AddrInfoType,
    ClientSession,
    ClientWebSocketResponse,
    CookieJar,
    TCPConnector,
    WSMsgType,
    WSServerHandshakeError,
)
from aiohttp.test_utils import get_port_socket
from multidict import CIMultiDictProxy
from yarl import URL

# Seconds until what should happen counts as not happening.
PATIENCE = float(os.environ.get("TUTORIAL_PATIENCE", "10"))


def stretched(seconds: float) -> float:
    """Return so many seconds; more, where as much else is running as there are cores."""
    return seconds * max(1, psutil.getloadavg()[0] / (os.cpu_count() or 1))


def within(seconds: float) -> asyncio.Timeout:
    """Give the block so many seconds, stretched."""
    return asyncio.timeout(stretched(seconds))


# What most tests do on the way to what they are about; a test marked `proves` is about it.
LOGIN = "a login"
SOCKET = "a socket"
MESSAGES = "messages that arrive"
GOODBYES = "news of who leaves"
START = "a chat that starts"

PASSWORD = "a long enough password"

Event = dict[str, Any]


@contextmanager
def needing(what: str) -> Iterator[None]:
    """Note on an error that the test was still on its way."""
    try:
        yield
    except Exception as error:
        error.add_note(f"needs {what}")
        raise


class Transcript:
    """What was last sent and received, for whoever has to find out what went wrong."""

    def __init__(self) -> None:
        self.sent = "nothing"
        self.received = "nothing"

    def send(self, what: str) -> None:
        self.sent, self.received = shorten(what), "nothing"

    def receive(self, what: str) -> None:
        self.received = shorten(what)


def shorten(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"


def without_tags(page: str) -> str:
    """Return the words on a page."""
    words = re.sub(r"(?s)<head>.*?</head>|<(script|style).*?</\1>|<[^>]*>", " ", page)
    return " ".join(words.split())


def describe_body(body: object) -> str:
    """Say what a request carries, in a form that nobody has to decode."""
    if isinstance(body, Mapping):
        fields = (f"{name}={value}" for name, value in body.items())
        return f" with {', '.join(fields)}" if body else ""
    data = body.getvalue() if isinstance(body, io.BytesIO) else b""
    return f" with {data!r}" if data else ""


@dataclass(frozen=True)
class Answer:
    """An HTTP response, read to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    text: str
    url: URL

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.headers.get("Location", "")

    @property
    def gist(self) -> str:
        """What it says, for a reader who sees little of it."""
        if self.location:
            return f", to {self.location}"
        is_page = self.headers.get("Content-Type", "").startswith("text/html")
        text = without_tags(self.text) if is_page else self.text
        return f": {text}" if text else ""

    def json(self) -> Any:
        return json.loads(self.text)


class Socket:
    """One person's open socket."""

    def __init__(self, ws: ClientWebSocketResponse, transcript: Transcript) -> None:
        self.ws = ws
        self.transcript = transcript
        self.unread: list[Event] = []

    async def say(self, text: str, client_id: str | None = None) -> str:
        """Send a message and return its client_id; do not wait for the answer."""
        client_id = client_id or uuid4().hex
        await self.send({"type": "message", "text": text, "client_id": client_id})
        return client_id

    async def send(self, event: object) -> None:
        await self.send_text(json.dumps(event))

    async def send_text(self, text: str) -> None:
        self.transcript.send(f"on the socket: {text}")
        await self.ws.send_str(text)

    async def receive(self, *kinds: str) -> Event:
        """Return the next event, or the next of these kinds; pass over the others."""
        try:
            async with within(PATIENCE):
                while True:
                    event = await self._next()
                    if not kinds or event["type"] in kinds:
                        return event
        except TimeoutError:
            error = AssertionError(f"no {' or '.join(kinds) or 'event'} came")
            if not kinds or "message" in kinds:
                error.add_note(f"needs {MESSAGES}")
            raise error from None

    async def _next(self) -> Event:
        while not self.unread:
            frame = await self.ws.receive()
            assert frame.type is WSMsgType.TEXT, f"the socket was closed ({self.ws.close_code})"
            self.transcript.receive(f"on the socket: {frame.data}")
            events = json.loads(frame.data)
            self.unread += events if isinstance(events, list) else [events]
        return self.unread.pop(0)

    async def texts(self, count: int) -> list[str]:
        """Return the texts of the next messages."""
        return [(await self.receive("message"))["text"] for _ in range(count)]

    async def until(self, text: str) -> list[Event]:
        """Return all events up to the message with this text, and that one."""
        events: list[Event] = []
        while not events or events[-1].get("text") != text:
            events.append(await self.receive())
        return events

    async def texts_until(self, text: str) -> list[str]:
        """Return the texts of all messages up to the one with this text, and that one."""
        return [event["text"] for event in await self.until(text) if "text" in event]

    async def closed(self) -> int | None:
        """Read whatever still comes, and return the code with which the socket is closed."""
        try:
            async with within(PATIENCE):
                texts, code = await goodbye(self.ws)
        except TimeoutError:
            raise AssertionError("the socket stays open") from None
        for text in texts:
            self.transcript.receive(f"on the socket: {text}")
        return code

    async def close(self) -> None:
        await self.ws.close()

    def drop(self) -> None:
        """Lose the connection, as a cable that is pulled."""
        self._transport().abort()

    def release(self) -> None:
        """End the connection, if there still is one, as a browser that is closed."""
        self.ws._response.close()

    async def cut_off(self) -> None:
        """Wait until the chat, in this process, has ended the connection.

        Whoever does not read would not notice.
        """
        own = self._transport().get_extra_info("sockname")
        async with within(PATIENCE):
            while True:
                await asyncio.sleep(0.05)
                theirs = psutil.Process().net_connections("tcp4")
                if all(one.raddr != own for one in theirs):
                    return

    def stop_reading(self) -> None:
        """Stay connected and read nothing more."""
        self._transport().pause_reading()

    def read_on(self) -> None:
        """Read again, after `stop_reading`."""
        self._transport().resume_reading()

    def send_bytes(self, data: bytes) -> None:
        """Send what need not be a frame."""
        self.transcript.send(f"on the socket, raw: {data!r}")
        self._transport().write(data)

    def _transport(self) -> Any:
        connection = self.ws._response.connection
        assert connection is not None
        return connection.transport


async def goodbye(ws: ClientWebSocketResponse) -> tuple[list[str], int | None]:
    """Read whatever still comes, and the code with which the other side closes the socket.

    The code is read from its frame: `close_code` says 1006 when only our answer came too late.
    """
    texts = []
    while (frame := await ws.receive()).type is WSMsgType.TEXT:
        texts.append(frame.data)
    return texts, frame.data if frame.type is WSMsgType.CLOSE else ws.close_code


def small_socket(address: AddrInfoType) -> socket.socket:
    """Make a socket whose system buffer fills soon, when nobody reads from it."""
    family, kind, protocol, *_ = address
    small = socket.socket(family, kind, protocol)
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    if sys.platform == "linux":  # the larger the segments, the more the sender keeps: up to 4 MB
        small.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 2920)
    return small


def small_listener(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
    """Make a server's socket whose system buffers fill soon, when a client does not read."""
    listener = get_port_socket(host, port, family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
    return listener


async def send_raw(url: URL, data: bytes) -> bytes:
    """Send bytes that need not be HTTP; return the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", url.port)
    writer.write(data)
    async with within(PATIENCE):
        line = await reader.readline()
    writer.close()
    return line


class Visitor:
    """A browser, with its own cookies; `sign_up` tells the chat whose it is."""

    def __init__(self, base: URL, name: str, step: int, transcript: Transcript) -> None:
        self.base = base
        self.name = name
        self.step = step
        self.transcript = transcript
        connector = TCPConnector(limit=0, socket_factory=small_socket)
        self.session = ClientSession(base, connector=connector, cookie_jar=CookieJar(unsafe=True))
        self.sockets: list[Socket] = []  # a socket that nobody holds is closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for opened in self.sockets:
            opened.release()
        await self.session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        follow: bool = False,
        encoded: bool = False,
        **options: Any,
    ) -> Answer:
        """Send a request; redirects are answers too, unless `follow`.

        A path that is `encoded` is sent as it is.
        """
        self.transcript.send(f"{method} {path}{describe_body(options.get('data'))}")
        url = URL(f"{self.base.origin()}{path}", encoded=True) if encoded else URL(path)
        async with (
            within(PATIENCE),
            self.session.request(method, url, allow_redirects=follow, **options) as response,
        ):
            text = await response.text(errors="replace")
            answer = Answer(response.status, response.headers, text, response.url)
            self.transcript.receive(f"{response.status} {response.reason}{answer.gist}")
            return answer

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, form: dict[str, str] | None = None, **options: Any) -> Answer:
        return await self.request("POST", path, data=form or {}, **options)

    async def connect(self, query: str = "", **headers: str) -> Socket:
        """Open a socket; it closes with the browser."""
        self.transcript.send(f"a socket to /ws{query}")
        async with within(PATIENCE):
            ws = await self.session.ws_connect(f"/ws{query}", headers=headers, max_msg_size=0)
        self.sockets.append(Socket(ws, self.transcript))
        return self.sockets[-1]

    async def knock(self, query: str = "", **headers: str) -> int:
        """Return the status with which a socket is answered: 101 if it opens."""
        try:
            await self.connect(query, **headers)
        except WSServerHandshakeError as error:
            self.transcript.receive(f"{error.status}, and no socket")
            return error.status
        self.transcript.receive("an open socket")
        return 101

    async def join(self, query: str = "") -> Socket:
        """Open a socket and wait until the chat says who is here."""
        with needing(SOCKET):
            socket = await self.connect(query)
            await socket.receive("here")
            return socket

    async def sign_up(self) -> Answer:
        """Become somebody the chat knows: by signing up or, where one cannot yet, logging in."""
        answer = await self.post("/signup", self.form()) if self.step >= 5 else None
        return answer if answer and answer.status != 404 else await self.log_in()

    async def log_in(self, **changes: str) -> Answer:
        return await self.post("/login", self.form() | changes)

    def form(self) -> dict[str, str]:
        """What this person writes into the form."""
        password = {"password": PASSWORD} if self.step >= 7 else {}
        return {"login": self.name} | password

    def clear_cookies(self) -> None:
        self.session.cookie_jar.clear()
