"""websockets, with the `broadcast()` that its documentation recommends for this."""

import asyncio

from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench.peers.common import BACKLOG, HOST, answer, options, run

clients: set[ServerConnection] = set()


async def chat(ws: ServerConnection) -> None:
    clients.add(ws)
    try:
        async for data in ws:
            broadcast(clients, answer(data))
    finally:
        clients.discard(ws)


async def main(port: int) -> None:
    async with serve(chat, HOST, port, backlog=BACKLOG):
        await asyncio.Event().wait()


if __name__ == "__main__":
    given = options()
    run(main(given.port), given.loop)
