"""FastAPI on uvicorn: its documentation's `ConnectionManager`."""

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from bench.peers.common import BACKLOG, HOST, answer, options

app = FastAPI()


class ConnectionManager:
    def __init__(self) -> None:
        self.active_connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        self.active_connections.remove(websocket)

    async def broadcast(self, message: str) -> None:
        for connection in self.active_connections:
            await connection.send_text(message)


manager = ConnectionManager()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await manager.connect(websocket)
    try:
        while True:
            await manager.broadcast(answer(await websocket.receive_text()))
    except WebSocketDisconnect:
        manager.disconnect(websocket)


if __name__ == "__main__":
    given = options()
    uvicorn.run(
        app,
        host=HOST,
        port=given.port,
        loop=given.loop,
        backlog=BACKLOG,
        ws="websockets-sansio",
        log_level="warning",
    )
