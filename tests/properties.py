"""Values of every kind that somebody may send, for rules that hold for all of them."""

import json
import logging
import os
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from unicodedata import category, normalize
from urllib.parse import quote, urlencode

import pytest
from aiohttp import WSMsgType, web
from aiohttp.http_exceptions import BadHttpMessage
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

# Hypothesis would keep a folder in which to find again what it has computed; it can do without.
set_hypothesis_home_dir(os.devnull)

Frame = tuple[WSMsgType, bytes]
Test = Callable[..., Coroutine[Any, Any, None]]


def for_any(examples: int = 20, **values: st.SearchStrategy[Any]) -> Callable[[Test], Any]:
    """Run a test so many times, with values of these kinds: the same ones whenever it runs."""
    repeatable = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        # What fails is reported as it was found: while Hypothesis looked for something smaller,
        # a chat that does not answer would be waited for hundreds of times.
        phases=[Phase.generate],
        report_multiple_bugs=False,
        # One chat serves all examples of a test, however slow the machine.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    return lambda test: repeatable(given(**values)(test))


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the chat, or aiohttp for it, has logged as a failure of ours."""
    theirs = BadHttpMessage | web.RequestPayloadError  # of whoever sent what is not even HTTP
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.ERROR
        and not (record.exc_info and isinstance(record.exc_info[1], theirs))
    ]


# --- text --------------------------------------------------------------------------------------

# Half a character, controls, what turns or joins or hides or changes when it is normalised, what
# is markup or syntax somewhere.
TRICKY = "\ud800\x00\x1b\r\n\t\u2028\u202e\u200b\ufeff\u3164\u212b\ufb01\u0130ß🦉<>&\"'\\/%$.;= "

ENCODABLE = st.characters(exclude_categories=["Cs"])
ASCII = st.characters(min_codepoint=0x21, max_codepoint=0x7E)

texts = st.text(TRICKY, max_size=8) | st.text(st.characters(), max_size=40)
encodable_texts = st.text(TRICKY[1:], max_size=8) | st.text(ENCODABLE, max_size=40)
ascii_texts = st.text(ASCII, max_size=40)
blanks = st.text(" \t\r\n\u2028\u3000", max_size=3)

# What aiohttp's client sends of a text: half characters it leaves out.
header_values = ascii_texts | st.text(ASCII | st.just("é"), max_size=8)


def as_shown(text: str) -> str:
    """What becomes of a message: lines end with one character, half characters with a "?"."""
    return text.replace("\r\n", "\n").encode(errors="replace").decode()


def is_text(value: object) -> bool:
    """Tell whether this may be a message."""
    return isinstance(value, str) and value.strip() != "" and len(as_shown(value)) <= 4_000


messages = st.one_of(
    texts.filter(is_text),
    st.text("a \r\n", min_size=1, max_size=6).map("a{}".format),
    st.sampled_from(["x" * 4_000, "\r\n" * 3_999 + "."]),
)


def is_visible(character: str) -> bool:
    """Tell whether there is something to see, or the one space that is allowed."""
    hidden = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    return character == " " or (category(character)[0] not in "CZ" and character not in hidden)


def as_kept(name: str) -> str:
    """What becomes of a name: one way to write each character, no more space than a page shows."""
    seen = re.sub("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]", "", name)
    return re.sub(" +", " ", normalize("NFC", seen)).strip()


def is_name(name: str) -> bool:
    """Tell whether somebody can be called that."""
    return 1 <= len(as_kept(name)) <= 40 and all(map(is_visible, as_kept(name)))


names = st.one_of(
    encodable_texts,
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=42),
    st.text("aÅ\u212b \u0301\ufe0f", min_size=1, max_size=6),
)

passwords = st.one_of(
    st.text(ENCODABLE, min_size=7, max_size=8),
    st.text(ENCODABLE, min_size=20, max_size=130),
    st.text("aA1 \ufb01", min_size=6, max_size=10),
)


# --- what a socket is sent ---------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(texts, values, max_size=4),
    max_leaves=8,
)

MESSAGE = st.just("message")
client_ids = st.text("abc_-019", min_size=1, max_size=66)

# A message, and what is almost one.
events = st.one_of(
    st.fixed_dictionaries(
        {"type": MESSAGE, "text": messages}, optional={"client_id": client_ids, "id": json_values}
    ),
    st.fixed_dictionaries({"type": MESSAGE, "text": messages, "client_id": json_values}),
    st.fixed_dictionaries({"type": MESSAGE, "text": blanks | json_values}),
    st.fixed_dictionaries({"type": json_values, "text": messages}),
)


def encode(value: object) -> bytes:
    return json.dumps(value).encode()


# Text that is not even UTF-8 is an error of the protocol; other bytes are only not JSON.
frames: st.SearchStrategy[Frame] = st.tuples(
    st.sampled_from([WSMsgType.TEXT, WSMsgType.BINARY]),
    st.one_of(
        events.map(encode),
        events.map(encode),
        json_values.map(encode),
        encodable_texts.map(str.encode),
        st.binary(max_size=40),
    ),
)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_message(data: bytes) -> Mapping[str, object] | None:
    """The message that a frame holds, or None if the chat has to refuse it."""
    try:
        event = json.loads(data)
    except ValueError:
        return None
    if not isinstance(event, dict) or event.get("type") != "message":
        return None
    return event if is_text(event.get("text")) and is_client_id(event.get("client_id")) else None


def is_client_id(value: object) -> bool:
    """Tell whether this may name a message, or is left to the chat."""
    return value is None or (
        isinstance(value, str) and re.fullmatch("[A-Za-z0-9_-]{1,64}", value) is not None
    )


# --- what a request says -----------------------------------------------------------------------

ids = st.one_of(
    st.text("0123456789", min_size=12, max_size=18),
    st.text("07\u0667\uff17²-+_. ", max_size=3),
    texts,
)


def is_id(text: str) -> bool:
    """Tell whether this may be the id of a message."""
    return re.fullmatch("[0-9]{1,15}", text) is not None


def in_address(text: str) -> str:
    """Write a text so that it can stand in an address."""
    return quote(text, safe="", errors="surrogatepass")


paths = st.one_of(
    texts.map(in_address),
    # What is sent as it is: "//" would lead to another site, "#" is not sent.
    ascii_texts.filter(lambda text: not text.startswith(("/", "\\")) and "#" not in text),
    st.builds("{}{}".format, st.sampled_from(["login", "ws", "history?before="]), ascii_texts),
).map("/{}".format)

methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"])

# What stands before and after our own address, and makes it another one.
around_our_origin = st.one_of(
    st.tuples(st.just(""), header_values),
    st.tuples(header_values, st.just("")),
    st.tuples(header_values, header_values),
).filter(any)

other_sites = header_values.filter(lambda site: site not in {"same-origin", "none"})

places = st.floats(0, 1, exclude_max=True)  # in a text: 0 is its beginning

FORM = "application/x-www-form-urlencoded"

form_headers = st.fixed_dictionaries(
    {
        "Content-Type": st.one_of(
            st.just(FORM),
            st.just(FORM),
            header_values.map(f"{FORM}; charset={{}}".format),
            header_values.map("multipart/form-data; boundary={}".format),
            header_values,
        )
    },
    optional={
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "identity"]) | header_values,
        "Accept": st.just("text/html") | header_values,
        "X-Forwarded-For": header_values,
    },
)

fields = st.sampled_from(["text", "login", "password", "next", "everywhere"]) | encodable_texts

form_bodies = st.one_of(
    st.dictionaries(fields, encodable_texts, max_size=4).map(lambda form: urlencode(form).encode()),
    st.binary(max_size=80),
    ascii_texts.map(str.encode),
    st.binary(max_size=20).map(lambda data: b"text=" + data * 4_000),
)

# Where somebody wants to go: a path of this site, or what some browser may take for another one.
OWN_PATH = r"/([\w-]+/)*[\w-]*(\?[\w=&-]+)?"
BEFORE_EVIL = ["/\t/", "/\n/", "/\r/", "//", "/\\", "\\\\", "http:", "//x@", "/.//", "%2f%2f", "?@"]
ways = st.one_of(
    st.from_regex(OWN_PATH, fullmatch=True, alphabet="abc019_-/?=&"),
    st.builds("{}{}evil.example".format, st.sampled_from(BEFORE_EVIL), st.text("/\t", max_size=1)),
    encodable_texts,
)


def is_own_path(way: str) -> bool:
    """Tell whether this is a path of letters, digits, _ and -, perhaps with such a query."""
    return re.fullmatch(OWN_PATH, way, re.ASCII) is not None
