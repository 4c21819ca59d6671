"""A chat that does not do as it should, for what measures chats: odd_chat.py PORT MODE."""

import asyncio
import sys
from itertools import count

from aiohttp import web

DELAY = 0.05  # seconds

clients: set[web.WebSocketResponse] = set()
under_way: set[asyncio.Task[None]] = set()
numbers = count(1)


async def chat(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    clients.add(ws)
    async for frame in ws:
        number = next(numbers)
        if mode == "hangs-up" and number == 10:
            break
        if mode == "silent" or (mode == "forgets" and number % 10 == 0):
            continue
        task = asyncio.create_task(say(frame.data))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    clients.discard(ws)
    return ws


async def say(text: str) -> None:
    await asyncio.sleep(DELAY)
    for client in list(clients):
        await client.send_str(text)


async def refuse(request: web.Request) -> web.Response:
    return web.Response(status=503)


if __name__ == "__main__":
    port, mode = sys.argv[1:]
    app = web.Application()
    app.add_routes([web.get("/ws", chat), web.get("/", refuse)])
    web.run_app(app, host="127.0.0.1", port=int(port), print=None)
