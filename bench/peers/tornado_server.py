"""Tornado: the chat of its own demos."""

import asyncio
from contextlib import suppress
from typing import ClassVar

from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from bench.peers.common import BACKLOG, HOST, answer, options, run


class Chat(WebSocketHandler):
    clients: ClassVar[set["Chat"]] = set()

    def open(self, *_: str, **__: str) -> None:
        self.clients.add(self)

    def on_close(self) -> None:
        self.clients.discard(self)

    def on_message(self, message: str | bytes) -> None:
        text = answer(message)
        for client in self.clients:
            with suppress(WebSocketClosedError):
                client.write_message(text)


async def main(port: int) -> None:
    app = Application([("/ws", Chat)], log_function=lambda handler: None)
    app.listen(port, HOST, backlog=BACKLOG)
    await asyncio.Event().wait()


if __name__ == "__main__":
    given = options()
    run(main(given.port), given.loop)
