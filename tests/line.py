"""The line between a chat and its database, on which answers are held back, or lost."""

import asyncio
import struct
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Self

from yarl import URL

from tests.people import PATIENCE, stretched

# Every message of MongoDB begins with its length, two ids, and of what kind it is.
HEADER = struct.Struct("<iiii")
COMMAND = 2013

# Then come flags, the kind of what follows, the length of a document and the type of its
# first field; the name of that field is the command's.
NAME = HEADER.size + struct.calcsize("<iBiB")


class Line:
    """Passes everything on, but can hold back the answers to a command.

    Whatever they answer, the database has done it. As a context manager, the line works for
    the length of the block; in a thread, for a chat that stops waits for its database.
    """

    def __init__(self, database: URL) -> None:
        self.database = database
        self.port = 0
        self.command = ""  # whose answers are held
        self.held: list[tuple[StreamWriter, bytes]] = []
        self.arrived = threading.Event()
        self.calls: list[asyncio.Task[None]] = []
        self.started = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.loop: asyncio.AbstractEventLoop
        self.ended: asyncio.Event

    @property
    def url(self) -> URL:
        """The database's address, for those who come by this line."""
        return self.database.with_port(self.port)

    def hold(self, command: str) -> None:
        """From now on, hold the answers to a command."""
        self.arrived.clear()
        self.command = command

    async def holds(self) -> None:
        """Wait until there is such an answer."""
        arrived = await asyncio.to_thread(self.arrived.wait, stretched(PATIENCE))
        assert arrived, f"the database is not asked to {self.command}"

    def release(self) -> None:
        """Pass on what is held; go on holding what comes."""
        self._end(lambda writer, answer: writer.write(answer))

    def lose(self) -> None:
        """Lose what is held, and the connections on which it should have come; go on."""
        self._end(lambda writer, _: writer.close())

    def let_go(self) -> None:
        """Pass on what is held, and hold nothing more."""
        self.hold("")
        self.release()

    def _end(self, end: Callable[[StreamWriter, bytes], None]) -> None:
        """Do this with whatever is held."""

        async def end_all() -> None:
            for writer, answer in self.held:
                end(writer, answer)
            self.held.clear()

        asyncio.run_coroutine_threadsafe(end_all(), self.loop).result(stretched(PATIENCE))

    async def _run(self) -> None:
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._take_call, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.started.set()
        await self.ended.wait()
        server.close()
        for call in self.calls:
            call.cancel()
        await asyncio.gather(*self.calls, return_exceptions=True)

    def _take_call(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.calls.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Connect a chat with the database, until one of them hangs up."""
        asked = [""]  # the command that was sent last
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            answers, far = await asyncio.open_connection(self.database.host, self.database.port)
            with closing(far):
                await asyncio.gather(
                    self._pass_commands(reader, far, asked),
                    self._pass_answers(answers, writer, asked),
                )

    async def _pass_commands(
        self, reader: StreamReader, writer: StreamWriter, asked: list[str]
    ) -> None:
        while True:
            kind, message = await read_message(reader)
            asked[0] = message[NAME:].partition(b"\0")[0].decode() if kind == COMMAND else ""
            writer.write(message)

    async def _pass_answers(
        self, reader: StreamReader, writer: StreamWriter, asked: list[str]
    ) -> None:
        while True:
            _, message = await read_message(reader)
            if self.command and self.command == asked[0]:
                self.held.append((writer, message))
                self.arrived.set()
            else:
                writer.write(message)

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.started.wait(stretched(PATIENCE))
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join()


async def read_message(reader: StreamReader) -> tuple[int, bytes]:
    """Return of what kind the next message is, and all of it."""
    header = await reader.readexactly(HEADER.size)
    length, _, _, kind = HEADER.unpack(header)
    return kind, header + await reader.readexactly(length - HEADER.size)
