"""What the chat's addresses answer."""

import asyncio
import json
import logging

from aiohttp import WSCloseCode, WSMsgType, web

from ..auth.models import USER
from .hub import HUB, Client, Event, encode
from .models import MESSAGES, check_text

log = logging.getLogger("aiochat")

MAX_FRAME = 16 * 1024  # bytes; aiohttp closes the socket with 1009 above


class Main(web.View):
    """The last messages as plain text, and a way to add one without a socket."""

    async def get(self) -> web.Response:
        messages = self.request.app[MESSAGES].page()
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
        self.request.app[MESSAGES].add(user, text)
        raise web.HTTPSeeOther(self.request.app.router["main"].url_for())


class Socket(web.View):
    """The chat itself: one socket for each window."""

    async def get(self) -> web.StreamResponse:
        user = self.request[USER]
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
        hub = self.request.app[HUB]
        client = Client(user, ws, transport)
        code = WSCloseCode.OK
        try:
            await self.listen(client)
        except ConnectionError:
            pass  # gone
        except Exception:
            log.exception("The socket of %r failed", user)
            code = WSCloseCode.INTERNAL_ERROR
        finally:
            hub.leave(client)
        await ws.close(code=code)
        return ws

    async def listen(self, client: Client) -> None:
        """Let a client take part until it leaves."""
        self.request.app[HUB].join(client)
        async for frame in client.ws:
            if frame.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.receive(client, frame.data)
            await asyncio.sleep(0)  # the others' turn, however much this one sends

    def receive(self, client: Client, data: str | bytes) -> None:
        """Say what the client asks us to say, or tell it why not."""
        try:
            text = check_text(read_event(data).get("text"))
        except ValueError as error:
            client.write(encode({"type": "error", "reason": str(error)}))
        else:
            self.request.app[MESSAGES].add(client.user, text)


def read_event(data: str | bytes) -> Event:
    """Decode a client's event. Raises ValueError, in words for the person."""
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("That was not JSON.") from None
    if not isinstance(event, dict) or event.get("type") != "message":
        raise ValueError('Events look like this: {"type": "message", "text": "Hello"}.')
    return event
