"""Sanic, in one process."""

from sanic import Request, Sanic, Websocket

from bench.peers.common import BACKLOG, HOST, answer, options

app = Sanic("chat", configure_logging=False)
clients: set[Websocket] = set()


@app.websocket("/ws")
async def chat(request: Request, ws: Websocket) -> None:
    clients.add(ws)
    try:
        async for data in ws:
            text = answer(data)
            for client in list(clients):
                await client.send(text)
    finally:
        clients.discard(ws)


if __name__ == "__main__":
    given = options()
    app.config.USE_UVLOOP = given.loop == "uvloop"
    app.run(HOST, given.port, single_process=True, access_log=False, motd=False, backlog=BACKLOG)
