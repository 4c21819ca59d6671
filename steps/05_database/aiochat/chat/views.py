"""What the chat's addresses answer."""

import asyncio
import json
import logging
import re
from uuid import uuid4

from aiohttp import WSCloseCode, WSMsgType, web

from ..auth.models import USER
from .hub import HUB, Client, Event, encode
from .models import MESSAGES, NEWEST, NotStoredError, check_text

log = logging.getLogger("aiochat")

REPLAY_PATIENCE = 20  # seconds that a client has to read a page of what it missed

MAX_FRAME = 16 * 1024  # bytes; aiohttp closes the socket with 1009 above


class Main(web.View):
    """The last messages as plain text, and a way to add one without a socket."""

    async def get(self) -> web.Response:
        messages = await self.request.app[MESSAGES].page()
        lines = [f"{message.user}: {message.text}\n" for message in messages]
        return web.Response(text="".join(lines))

    head = get  # a View answers the methods it names; aiohttp leaves out the body

    async def post(self) -> web.Response:
        user = self.request[USER]
        form = await self.request.post()
        try:
            text = check_text(form.get("text"))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        await self.request.app[MESSAGES].add(user, text, uuid4().hex)
        raise web.HTTPSeeOther(self.request.app.router["main"].url_for())


class History(web.View):
    """The messages before one, as JSON, for those who read backwards."""

    async def get(self) -> web.Response:
        before = read_id(self.request.query.get("before"))
        messages = await self.request.app[MESSAGES].page(NEWEST if before is None else before)
        return web.json_response({"messages": [message.event() for message in messages]})

    head = get


class Socket(web.View):
    """The chat itself: one socket for each window."""

    async def get(self) -> web.StreamResponse:
        user = self.request[USER]
        hub = self.request.app[HUB]
        after = read_id(self.request.query.get("after"))
        # Before the handshake, while a database that is down can still be answered with 503.
        await self.request.app[MESSAGES].catch_up(after or 0)
        if hub.stopping:  # it has said goodbye to all already, and would forget this one
            raise web.HTTPServiceUnavailable(text="The chat is being restarted.")
        # Not compressed: the hub writes plain frames.
        ws = web.WebSocketResponse(max_msg_size=MAX_FRAME, compress=False)
        try:
            await ws.prepare(self.request)
        except ConnectionError:  # gone before we could answer
            return web.Response()
        except ValueError as error:  # aiohttp could not decode, or not quote, a header
            raise web.HTTPBadRequest(text="This is not the handshake of a socket.") from error
        transport = self.request.transport
        if transport is None:  # gone while we answered
            return ws
        client = Client(user, ws, transport)
        hub.connect(client)
        code = WSCloseCode.OK
        try:
            await self.listen(client, after)
        except ConnectionError:
            pass  # gone, or as good as gone, while we told it what it had missed
        except Exception:
            log.exception("The socket of %r failed", user)
            code = WSCloseCode.INTERNAL_ERROR
        finally:
            hub.leave(client)
        await ws.close(code=code)
        return ws

    async def listen(self, client: Client, after: int | None) -> None:
        """Let a client take part until it leaves."""
        if after is not None:
            await self.replay(client, after)
        self.request.app[HUB].join(client)
        async for frame in client.ws:
            if frame.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await self.receive(client, frame.data)
            await asyncio.sleep(0)  # the others' turn, however much this one sends

    async def replay(self, client: Client, after: int) -> None:
        """Tell a client what it missed, as fast as it can read.

        Nothing is awaited between the last look at `last` and `join`: no gap.
        """
        messages = self.request.app[MESSAGES]
        while after < (newest := messages.last):
            missed = await messages.missed(after)
            try:
                async with asyncio.timeout(REPLAY_PATIENCE):
                    for message in missed:
                        await client.ws.send_json(message.event())
            except TimeoutError:
                raise ConnectionAbortedError("It has stopped reading.") from None
            after = missed[-1].id if missed else newest

    async def receive(self, client: Client, data: str | bytes) -> None:
        """Say what the client asks us to say, or tell it why not."""
        client_id = None
        try:
            event = read_event(data)
            client_id = check_client_id(event.get("client_id"))
            message, new = await self.request.app[MESSAGES].add(
                client.user, check_text(event.get("text")), client_id
            )
        except ValueError as error:
            client.write(encode(error_event(str(error), client_id)))
        except NotStoredError:
            reason = "The message could not be stored. Please send it again."
            client.write(encode(error_event(reason, client_id)))
        else:
            if not new:  # everybody else has heard it the first time
                client.write(encode(message.event()))


def read_event(data: str | bytes) -> Event:
    """Decode a client's event. Raises ValueError, in words for the person."""
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("That was not JSON.") from None
    if not isinstance(event, dict) or event.get("type") != "message":
        raise ValueError('Events look like this: {"type": "message", "text": "Hello"}.')
    return event


def error_event(reason: str, client_id: str | None) -> Event:
    """Say why a message, if we know which, was not accepted."""
    return {"type": "error", "reason": reason, "client_id": client_id}


def check_client_id(client_id: object) -> str:
    """Return the id that the client has given to its message, or one for it.

    Raises ValueError, in words for the person.
    """
    if client_id is None:
        return uuid4().hex
    if not isinstance(client_id, str) or not re.fullmatch(r"[\w-]{1,64}", client_id, re.ASCII):
        raise ValueError("A client_id has 1 to 64 letters, digits, _ and -.")
    return client_id


def read_id(text: str | None) -> int | None:
    """Return the id of a message that an address names."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise web.HTTPBadRequest(text="The id of a message is a number.")
    return int(text)
