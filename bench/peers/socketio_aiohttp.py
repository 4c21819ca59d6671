"""python-socketio on aiohttp: Socket.IO's own protocol on top of the WebSocket."""

import socketio
from aiohttp import web

from bench.peers.common import BACKLOG, HOST, event, new_loop, options

server = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")


@server.event
async def message(sid: str, data: dict[str, str]) -> None:
    await server.emit("message", event(data["text"]))


if __name__ == "__main__":
    given = options()
    app = web.Application()
    server.attach(app)
    web.run_app(
        app, host=HOST, port=given.port, loop=new_loop(given.loop), backlog=BACKLOG, print=None
    )
