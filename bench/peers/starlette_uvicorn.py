"""Starlette on uvicorn, with the WebSocket implementation that it takes by itself."""

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bench.peers.common import BACKLOG, HOST, answer, options

clients: set[WebSocket] = set()


async def chat(ws: WebSocket) -> None:
    await ws.accept()
    clients.add(ws)
    try:
        while True:
            text = answer(await ws.receive_text())
            for client in list(clients):
                await client.send_text(text)
    except WebSocketDisconnect:
        pass
    finally:
        clients.discard(ws)


if __name__ == "__main__":
    given = options()
    app = Starlette(routes=[WebSocketRoute("/ws", chat)])
    uvicorn.run(
        app,
        host=HOST,
        port=given.port,
        loop=given.loop,
        backlog=BACKLOG,
        ws="websockets-sansio",
        log_level="warning",
    )
