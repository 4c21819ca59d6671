"""Random input of every kind, from strangers and from a member, for `tools.soak`.

`python -m tools.noise PORT NAME SEED SECONDS` makes it, and prints what came of it as JSON.
"""

import asyncio
import base64
import json
import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from yarl import URL

from tests.people import Transcript, Visitor
from tools.steps import ALL

HANDS = 8  # connections that each process has at once
PATIENCE = 0.5  # seconds for an answer; to half of a request there is none
MAX_FRAME = 16 * 1024  # bytes that a frame may hold
SAMPLES = 3  # requests that are shown when they are answered with 5xx

TRICKY = "\x00\x1b\r\n\t\u2028\u202e\u200b\ufeff\ufb01İß🦉<>&\"'\\/%$.;={}[]: "
METHODS = ("GET", "GET", "POST", "POST", "HEAD", "PUT", "OPTIONS", "TRACE", "FOO", "get")
PATHS = ("/", "/ws", "/ws?after=0", "/history", "/login", "/signup", "/healthz", "/static/")
FIELDS = ("text", "login", "password", "next", "everywhere", "login[$ne]")
FORM = "application/x-www-form-urlencoded"
TYPES = (FORM, FORM, "application/json", "multipart/form-data; boundary=b", f"{FORM}; charset=x")

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass
class Tally:
    """What came of the noise."""

    answers: Counter[str] = field(default_factory=Counter)  # 2xx, 503 and so on; sockets, frames
    failures: list[str] = field(default_factory=list)  # the first requests that got a 5xx

    def add(self, request: bytes, status: int) -> None:
        """Count an answer; 0 is none, and 503 is what a busy chat may say."""
        kind = f"{status // 100}xx" if status else "none"
        kind = "503" if status == 503 else kind
        self.answers[kind] += 1
        if kind == "5xx" and len(self.failures) < SAMPLES:
            self.failures.append(f"{status} to {request[:300]!r}")


async def make_noise(port: int, name: str, seed: str, seconds: float) -> Tally:
    """Make noise for so long, as a member of this name and as strangers."""
    tally = Tally()
    url = URL(f"http://127.0.0.1:{port}")
    async with Visitor(url, name, ALL[-1].number, Transcript()) as visitor:
        await visitor.sign_up()
        member = Member(visitor)
        end = time.monotonic() + seconds
        chances = [random.Random(f"{seed} {hand}") for hand in range(HANDS)]
        await asyncio.gather(*(Hand(port, member, chance, tally).work(end) for chance in chances))
    return tally


class Member:
    """Somebody who has signed up, whom the noise signs out now and then."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.lock = asyncio.Lock()

    @property
    def cookie(self) -> str:
        return "; ".join(f"{one.key}={one.value}" for one in self.visitor.session.cookie_jar)

    async def return_from(self, cookie: str) -> None:
        """Log in once this cookie is worth nothing, if no other hand has."""
        async with self.lock:
            if self.cookie == cookie:
                await self.visitor.log_in()


class Hand:
    """One connection after the other, each to do harm."""

    def __init__(self, port: int, member: Member, chance: random.Random, tally: Tally) -> None:
        self.port = port
        self.member = member
        self.chance = chance
        self.tally = tally

    async def work(self, end: float) -> None:
        """Go on until then, a moment of `time.monotonic`."""
        while time.monotonic() < end:
            act = self.chance.choice([self.send_request, self.send_request, self.open_socket])
            with suppress(OSError):  # to be thrown out is an answer, too
                await act()

    async def send_request(self) -> None:
        """Send what is more or less a request, perhaps not to its end."""
        data = self.chance.choice(REQUESTS)(self.chance, self.cookie())
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await self.send(writer, data)
            self.tally.add(data, await read_status(reader))
        finally:
            self.leave(writer)

    async def open_socket(self) -> None:
        """Open a socket as a member does, and send it frames of every kind."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            cookie = self.member.cookie
            writer.write(handshake(cookie))
            if await read_status(reader) != 101:
                await self.member.return_from(cookie)
                return
            self.tally.answers["sockets"] += 1
            for _ in range(self.chance.randint(1, 20)):
                await self.send(writer, self.chance.choice(FRAMES)(self.chance))
                self.tally.answers["frames"] += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(self.chance.uniform(0, PATIENCE / 2)):
                    while await reader.read(MAX_FRAME):
                        pass
        finally:
            self.leave(writer)

    async def send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Send it, now and then in two parts, or only the first of them."""
        cut = self.chance.randrange(len(data) + 1)
        match self.chance.randrange(10):
            case 0:
                writer.write(data[:cut])
            case 1:
                writer.write(data[:cut])
                await asyncio.sleep(self.chance.uniform(0, 0.02))
                writer.write(data[cut:])
            case _:
                writer.write(data)
        await writer.drain()

    def leave(self, writer: asyncio.StreamWriter) -> None:
        """Hang up, politely or not."""
        if self.chance.randrange(2):
            writer.transport.abort()
        else:
            writer.close()

    def cookie(self) -> str:
        """Return the member's cookie, or one that has been tampered with, or none at all."""
        good = self.member.cookie
        place = self.chance.randrange(len(good) + 1)
        match self.chance.randrange(6):
            case 0:
                return ""
            case 1:
                return good[:place] + header_value(self.chance)
            case 2:
                return f"session={header_value(self.chance)}"
            case _:
                return good


async def read_status(reader: asyncio.StreamReader) -> int:
    """Return the status of the answer, whose head is read, or 0 if none comes."""
    try:
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1])
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return 0


# --- text --------------------------------------------------------------------------------------


def text(chance: random.Random) -> str:
    """Return any text: short, tricky, foreign or long."""
    match chance.randrange(5):
        case 0:
            return "".join(chance.choices(TRICKY, k=chance.randint(0, 12)))
        case 1:
            codes = (chance.randrange(0x11_0000) for _ in range(chance.randint(0, 40)))
            return "".join(map(chr, codes)).encode(errors="replace").decode()
        case 2:
            return "x" * chance.choice([3_999, 4_000, 4_001, 20_000])
        case _:
            return "".join(chance.choices("abc def 123", k=chance.randint(0, 20)))


def header_value(chance: random.Random) -> str:
    """Return a text that can stand in a line of a request."""
    return "".join(chr(chance.randrange(0x20, 0x7F)) for _ in range(chance.randint(0, 40)))


def json_value(chance: random.Random, depth: int = 3) -> object:
    """Return anything that JSON can hold."""
    match chance.randrange(8 if depth else 5):
        case 0:
            return chance.choice([None, True, False])
        case 1:
            return chance.randint(-(10**20), 10**20)
        case 2:
            return chance.choice([0.5, -1e300, float("nan"), float("inf")])
        case 3 | 4:
            return text(chance)
        case 5:
            return [json_value(chance, depth - 1) for _ in range(chance.randint(0, 4))]
        case _:
            size = chance.randint(0, 4)
            return {text(chance): json_value(chance, depth - 1) for _ in range(size)}


def event(chance: random.Random) -> bytes:
    """Return what is almost a message, and now and then is one."""
    value: dict[str, object] = {"type": "message", "text": text(chance)}
    if chance.randrange(2):
        value["client_id"] = text(chance)
    if chance.randrange(4) == 0:
        value[chance.choice(["type", "text", "client_id"])] = json_value(chance)
    return json.dumps(value, ensure_ascii=chance.randrange(2) == 0).encode()


# --- requests ----------------------------------------------------------------------------------

Request = Callable[[random.Random, str], bytes]


def random_bytes(chance: random.Random, cookie: str) -> bytes:
    return chance.randbytes(chance.randint(1, 2_000))


def random_request(chance: random.Random, cookie: str) -> bytes:
    """Return a request to anywhere, with headers and a body that need not fit together."""
    path = chance.choice([*PATHS, f"/{quote(text(chance))}", f"/{header_value(chance)}"])
    body = chance.choice([b"", chance.randbytes(100), event(chance), form(chance)])
    lines = [f"{chance.choice(METHODS)} {path} HTTP/1.{chance.choice('1110')}"]
    lines += ["Host: 127.0.0.1", f"Cookie: {cookie}"]
    headers = (
        f"Content-Type: {chance.choice(TYPES)}",
        f"Content-Type: {header_value(chance)}",
        f"Content-Length: {len(body)}",
        f"Content-Length: {chance.choice([0, len(body) + 1, 70_000, 10**30])}",
        "Transfer-Encoding: chunked",
        f"Content-Encoding: {chance.choice(['gzip', 'deflate', 'br', 'x'])}",
        f"Accept: {chance.choice(['text/html', header_value(chance)])}",
        f"Origin: {chance.choice(['null', 'http://127.0.0.1', header_value(chance)])}",
        f"Upgrade: {chance.choice(['websocket', header_value(chance)])}",
        "Expect: 100-continue",
        f"X-Forwarded-For: {header_value(chance)}",
        f"{header_value(chance)}: {header_value(chance)}",
    )
    lines += chance.sample(headers, chance.randint(0, 4))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def form(chance: random.Random) -> bytes:
    size = chance.randint(0, 4)
    return urlencode([(chance.choice(FIELDS), text(chance)) for _ in range(size)]).encode()


def random_form(chance: random.Random, cookie: str) -> bytes:
    """Return a form that is posted as it should be, with anything in it."""
    body = form(chance)
    [path] = chance.choices(["/", "/login", "/signup", "/signout"], [20, 4, 4, 1])
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def random_address(chance: random.Random, cookie: str) -> bytes:
    """Return a request that asks for a page, or for ids that are none."""
    name = chance.choice(["/history?before", "/ws?after", "/login?next", "/?x"])
    value = chance.choice([str(chance.randrange(10**16)), quote(text(chance))])
    return f"GET {name}={value} HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n".encode()


def random_handshake(chance: random.Random, cookie: str) -> bytes:
    """Return what asks for a socket in a way that is not quite right."""
    lines = handshake(cookie).decode().splitlines()[:-1]
    place = chance.randrange(1, len(lines))
    lines[place] = chance.choice(["X: y", lines[place] + "x", f"Origin: {header_value(chance)}"])
    lines[place] = chance.choice([lines[place], "Sec-WebSocket-Extensions: permessage-deflate"])
    return "\r\n".join([*lines, "", ""]).encode()


def handshake(cookie: str) -> bytes:
    """Return what asks for a socket."""
    key = base64.b64encode(bytes(16)).decode()
    return (
        "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nCookie: {cookie}\r\n\r\n"
    ).encode()


REQUESTS: Sequence[Request] = (
    random_bytes,
    random_request,
    random_request,
    random_form,
    random_address,
    random_handshake,
)

# --- frames ------------------------------------------------------------------------------------


def frame(
    opcode: int, payload: bytes, *, first: int = 0x80, masked: bool = True, size: int | None = None
) -> bytes:
    """Return a frame. `first` holds FIN and the reserved bits; `size` may claim another length."""
    size = len(payload) if size is None else size
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first | opcode, mask_bit | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first | opcode, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first | opcode, mask_bit | 127, size)
    # A mask of zeros leaves the payload as it is.
    return head + (bytes(4) if masked else b"") + payload


def messages(chance: random.Random) -> bytes:
    """Return some messages, each in a frame."""
    return b"".join(frame(TEXT, event(chance)) for _ in range(chance.randint(1, 5)))


def fragments(chance: random.Random) -> bytes:
    """Return a message in parts, with a ping in between and perhaps without its end."""
    data = event(chance)
    parts = [data[start : start + 50] for start in range(0, len(data), 50)][:20]
    opcodes = [chance.choice([TEXT, BINARY])] + [0] * (len(parts) - 1)
    frames = [frame(*one, first=0) for one in zip(opcodes, parts, strict=True)]
    frames.insert(chance.randrange(len(frames) + 1), frame(PING, b"here?"))
    return b"".join(frames) + frame(0, b"", first=chance.choice([0x80, 0x80, 0]))


def odd_json(chance: random.Random) -> bytes:
    return frame(chance.choice([TEXT, BINARY]), json.dumps(json_value(chance)).encode())


def garbage(chance: random.Random) -> bytes:
    return frame(chance.choice([TEXT, BINARY]), chance.randbytes(chance.randint(0, 200)))


def control(chance: random.Random) -> bytes:
    """Return a ping, a pong or a goodbye, which may hold up to 125 bytes."""
    payload = chance.randbytes(chance.choice([0, 1, 2, 10, 125, 126, 1_000]))
    return frame(chance.choice([CLOSE, PING, PING, PONG]), payload)


def wrong(chance: random.Random) -> bytes:
    """Return a frame that no client may send."""
    payload = event(chance)
    return chance.choice(
        [
            frame(chance.choice([3, 4, 7, 11, 15]), payload),
            frame(TEXT, payload, first=0x80 | chance.choice([0x10, 0x20, 0x40, 0x70])),
            frame(TEXT, payload, masked=False),
            frame(0, payload),
            frame(PING, b"", first=0),
        ]
    )


def too_big(chance: random.Random) -> bytes:
    """Return a frame that is too big, or only says so."""
    if chance.randrange(2):
        return frame(TEXT, b"", size=chance.choice([MAX_FRAME + 1, 2**40, 2**63 - 1]))
    return frame(TEXT, b"x" * (MAX_FRAME + chance.randint(-5, 50_000)))


FRAMES: Sequence[Callable[[random.Random], bytes]] = (
    messages,
    messages,
    messages,
    fragments,
    odd_json,
    garbage,
    control,
    wrong,
    too_big,
)


def main(arguments: list[str]) -> None:
    port, name, seed, seconds = arguments
    tally = asyncio.run(make_noise(int(port), name, seed, float(seconds)))
    print(json.dumps(vars(tally)))


if __name__ == "__main__":
    main(sys.argv[1:])
