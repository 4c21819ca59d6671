"""aiohttp with `gather`: everybody is sent to at once, in a task each."""

import asyncio

from aiohttp import web

from bench.peers.common import BACKLOG, HOST, answer, new_loop, options

clients: set[web.WebSocketResponse] = set()


async def chat(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    clients.add(ws)
    try:
        async for frame in ws:
            text = answer(frame.data)
            sending = [client.send_str(text) for client in clients]
            await asyncio.gather(*sending, return_exceptions=True)
    finally:
        clients.discard(ws)
    return ws


if __name__ == "__main__":
    given = options()
    app = web.Application()
    app.add_routes([web.get("/ws", chat)])
    web.run_app(
        app, host=HOST, port=given.port, loop=new_loop(given.loop), backlog=BACKLOG, print=None
    )
