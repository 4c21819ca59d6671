"""Who is connected, and how everybody hears what happens."""

import asyncio
import json
import struct
from collections import Counter
from dataclasses import dataclass
from typing import Any

from aiohttp import WSCloseCode, web

Event = dict[str, Any]

# A client with more unread bytes than this has stopped reading.
MAX_BACKLOG = 4 * 1024 * 1024

# When so many events wait to be sent, they do not wait for more.
MAX_WAITING = 64

# How many seconds a client has to read our goodbye when we close its socket.
GOODBYE = 2

# The first byte of a frame that holds a whole message (0x80) of text (0x01).
TEXT_FRAME = 0x81


def encode(event: Event) -> bytes:
    """Make a WebSocket frame, once for everybody (RFC 6455, section 5.2).

    ws.send_json would make it again for each client, and wait for each of them.
    """
    text = json.dumps(event, ensure_ascii=False).encode()
    if len(text) < 126:
        return struct.pack("!BB", TEXT_FRAME, len(text)) + text
    if len(text) < 65_536:
        return struct.pack("!BBH", TEXT_FRAME, 126, len(text)) + text
    return struct.pack("!BBQ", TEXT_FRAME, 127, len(text)) + text


@dataclass(eq=False)
class Client:
    """One open socket and the person behind it."""

    user: str
    session_id: str
    ws: web.WebSocketResponse
    transport: asyncio.Transport
    live: bool = False  # whether it hears what happens now

    def write(self, data: bytes) -> None:
        """Send without waiting; a client that has stopped reading is cut off."""
        if self.transport.get_write_buffer_size() > MAX_BACKLOG:
            self.transport.abort()
        elif not self.transport.is_closing():
            self.transport.write(data)

    async def say_goodbye(self, code: WSCloseCode) -> None:
        """Close the socket, and wait until all that we wrote is on its way."""
        self.transport.set_write_buffer_limits(0)  # or close() would not wait for the last 64 KiB
        await self.ws.close(code=code)

    def cut_off(self) -> None:
        """End the connection at once, unless it has ended by itself."""
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.transport.abort()


class Hub:
    """All who are connected; however much happens at once, each gets one write."""

    def __init__(self) -> None:
        self.clients: dict[Client, None] = {}  # a set that keeps its order
        self.people: Counter[str] = Counter()  # how many windows each of them has
        self.waiting: list[bytes] = []
        self.stopping = False  # whether the chat is about to end

    def connect(self, client: Client) -> None:
        """Add a socket that still has to hear what it missed."""
        self.clients[client] = None

    def join(self, client: Client) -> None:
        """Let somebody in; a person's second window joins without a word."""
        self.people[client.user] += 1
        if self.people[client.user] == 1:
            self.send({"type": "joined", "user": client.user})
        self.flush()  # this, and whatever else waits, is not for the newcomer
        client.live = True
        client.write(encode({"type": "here", "users": sorted(self.people)}))

    def leave(self, client: Client) -> None:
        """Let somebody go; a person has left with their last window."""
        if client in self.clients:  # if not, `close` is saying goodbye to it
            del self.clients[client]
            if client.transport.get_write_buffer_size():
                client.transport.abort()  # unread bytes would keep the connection open
        if not client.live:
            return
        self.people[client.user] -= 1
        if self.people[client.user] == 0:
            del self.people[client.user]
            self.send({"type": "left", "user": client.user})

    def count(self, user: str) -> int:
        """How many sockets a person has open."""
        return sum(client.user == user for client in self.clients)

    def send(self, event: Event) -> None:
        """Tell everybody, as soon as nothing more arrives."""
        if not self.waiting:
            asyncio.get_running_loop().call_soon(self.settle, 0)
        self.waiting.append(encode(event))

    def settle(self, before: int) -> None:
        """Send what waits, or wait a round of the event loop longer if this one brought more."""
        if before < len(self.waiting) < MAX_WAITING:
            asyncio.get_running_loop().call_soon(self.settle, len(self.waiting))
        else:
            self.flush()

    def flush(self) -> None:
        """Give everything that waits to everybody, and wait for nobody."""
        data = b"".join(self.waiting)
        self.waiting.clear()
        if data:
            for client in self.clients:
                if client.live:
                    client.write(data)

    async def sign_out(self, user: str, session_id: str | None) -> None:
        """Close the sockets of one session or, without one, all of a person."""
        ended = {
            client
            for client in self.clients
            if client.user == user and session_id in (None, client.session_id)
        }
        # Shielded: who does not read is cut off, even if the request has ended before.
        await asyncio.shield(self.close(ended, WSCloseCode.POLICY_VIOLATION))

    async def close(self, clients: set[Client], code: WSCloseCode) -> None:
        """Say goodbye to these; whoever does not read it in time is cut off."""
        self.flush()
        for client in clients:
            self.clients.pop(client, None)
        goodbyes = [asyncio.create_task(client.say_goodbye(code)) for client in clients]
        if goodbyes:
            await asyncio.wait(goodbyes, timeout=GOODBYE)
        for client in clients:
            client.cut_off()
        await asyncio.gather(*goodbyes, return_exceptions=True)


HUB = web.AppKey("hub", Hub)


async def close_hub(app: web.Application) -> None:
    """Close all sockets when the chat stops; aiohttp would wait for them otherwise."""
    hub = app[HUB]
    hub.stopping = True
    await hub.close(set(hub.clients), WSCloseCode.GOING_AWAY)
