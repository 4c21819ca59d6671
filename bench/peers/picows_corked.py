"""picows, whose frames are read and written in C; what waits goes out in one write, as with ours.

A limit rather than a peer: what is left to gain when nothing but that is done in Python.
"""

import asyncio
import struct

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from bench.peers.common import BACKLOG, HOST, answer, options, run

clients: set[WSTransport] = set()
waiting: list[bytes] = []

MAX_WAITING = 64  # as in our hub


def encode(text: bytes) -> bytes:
    if len(text) < 126:
        return struct.pack("!BB", 0x81, len(text)) + text
    return struct.pack("!BBH", 0x81, 126, len(text)) + text


def settle(before: int) -> None:
    """As our hub does: send what waits, or wait a round longer if this one brought more."""
    if before < len(waiting) < MAX_WAITING:
        asyncio.get_running_loop().call_soon(settle, len(waiting))
    else:
        flush()


def flush() -> None:
    data = b"".join(waiting)
    waiting.clear()
    for client in clients:
        client.underlying_transport.write(data)


class Chat(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        clients.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        clients.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            if not waiting:
                asyncio.get_running_loop().call_soon(settle, 0)
            waiting.append(encode(answer(frame.get_payload_as_bytes()).encode()))
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()


async def main(port: int) -> None:
    server = await ws_create_server(lambda request: Chat(), HOST, port, backlog=BACKLOG)
    await server.serve_forever()


if __name__ == "__main__":
    given = options()
    run(main(given.port), given.loop)
