"""Inputs that have broken chats, as data: adding a case is adding a line."""

import json
from urllib.parse import quote

# Bodies for a POST that expects a form: (headers, body).
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BAD_BODIES: dict[str, tuple[dict[str, str], bytes]] = {
    "no fields": (FORM, b""),
    "other fields": (FORM, b"color=red"),
    "raw bytes": (FORM, b"\xff\xfe\x00\x01"),
    "an unknown charset": ({"Content-Type": FORM["Content-Type"] + "; charset=klingon"}, b"text=x"),
    "JSON": ({"Content-Type": "application/json"}, b'{"text": "x", "login": "x"}'),
    "half of a JSON object": ({"Content-Type": "application/json"}, b'{"text":'),
    "plain text": ({"Content-Type": "text/plain"}, b"text=x&login=x"),
    "no content type": ({"Content-Type": ""}, b"text=x&login=x"),
    "a multipart form": (
        {"Content-Type": "multipart/form-data; boundary=b"},
        b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nx\r\n--b--\r\n',
    ),
    "a multipart form without an end": (
        {"Content-Type": "multipart/form-data; boundary=b"},
        b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nx',
    ),
    "a megabyte and more": (FORM, b"text=" + b"x" * 1024 * 1024),
}

HOSTILE_PATHS = [
    "//",
    "/.",
    "/..",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/..%5c..%5cwindows",
    "/%00",
    "/%ff",
    "/%ed%a0%80",
    "/%e2%80%ae",
    "/%0d%0aX-Injected:%20yes",
    "/%1b[31m",
    "/login/",
    "/login%00",
    "/login%ff",
    "/LOGIN",
    "/ws/",
    "/login;jsessionid=1",
    "/%25%32%65",
    "/{name}",
    "/<script>",
    "/" + "x" * 300,
    "/" + "x/" * 1_000,
    "/?" + "x=1&" * 500,
    "/?%ff=%ff",
    "/?=&=&&",
    "/?before=%00",
    "/login?next=%ff",
    "/login?login=" + quote('{"$ne": null}'),
]

# Header sets that a browser sends with an unsafe request, and whether they come from us.
OWN = "own"  # stands for the address of the chat itself
CROSS_SITE_CASES: dict[str, tuple[dict[str, str], bool]] = {
    "no browser": ({}, True),
    "fetch: same origin": ({"Sec-Fetch-Site": "same-origin"}, True),
    "fetch: typed by the person": ({"Sec-Fetch-Site": "none"}, True),
    "fetch: same site": ({"Sec-Fetch-Site": "same-site"}, False),
    "fetch: cross site": ({"Sec-Fetch-Site": "cross-site"}, False),
    "fetch: empty": ({"Sec-Fetch-Site": ""}, False),
    "fetch: nonsense": ({"Sec-Fetch-Site": "friendly"}, False),
    "fetch: capitals": ({"Sec-Fetch-Site": "SAME-ORIGIN"}, False),
    "fetch: same origin, though the origin differs": (
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://proxy.example"},
        True,
    ),
    "fetch: cross site, though the origin is ours": (
        {"Sec-Fetch-Site": "cross-site", "Origin": OWN},
        False,
    ),
    "origin: ours": ({"Origin": OWN}, True),
    "origin: another": ({"Origin": "http://evil.example"}, False),
    "origin: null": ({"Origin": "null"}, False),
    "origin: empty": ({"Origin": ""}, False),
    "origin: another port": ({"Origin": "http://127.0.0.1:1"}, False),
    "origin: no port": ({"Origin": "http://127.0.0.1"}, False),
    "origin: ours as a prefix": ({"Origin": OWN + ".evil.example"}, False),
    "origin: ours as a user": ({"Origin": "http://127.0.0.1@evil.example"}, False),
    "origin: a file": ({"Origin": "file://"}, False),
}

SOCKET_ORIGINS: dict[str, tuple[str | None, bool]] = {
    "none": (None, True),
    "ours": (OWN, True),
    "another": ("http://evil.example", False),
    "null": ("null", False),
    "another port": ("http://127.0.0.1:1", False),
    "ours as a prefix": (OWN + ".evil.example", False),
}

OPERATORS = ["$ne", "$gt", "$gte", "$lt", "$regex", "$exists", "$nin", "$in", "$where"]

# Values in the place of a string; JSON can hold them, a person cannot mean them.
NOT_STRINGS: list[object] = [
    *({operator: None} for operator in OPERATORS),
    {"$gt": ""},
    [],
    ["a"],
    {},
    {"a": "b"},
    1,
    -1,
    0.5,
    True,
    None,
]

BAD_FRAMES = [
    "",
    " ",
    "hello",
    "{",
    "}",
    "[",
    "[]",
    "[1]",
    "{}",
    "null",
    "true",
    "0",
    "-1",
    "NaN",
    "Infinity",
    "1e999",
    "9" * 5_000,
    '"message"',
    '{"type"}',
    "{'type': 'message'}",
    '{"type": "message", "text": "x"',
    '{"type": null, "text": "x"}',
    '{"type": 1, "text": "x"}',
    '{"type": [], "text": "x"}',
    '{"type": {}, "text": "x"}',
    '{"type": "", "text": "x"}',
    '{"type": "MESSAGE", "text": "x"}',
    '{"type": "joined", "user": "x"}',
    '{"type": "error", "reason": "x"}',
    '{"type": "message"}',
    '{"type": "message", "Text": "x"}',
    '{"type": "message", "text": ""}',
    '{"type": "message", "text": " \\n\\t "}',
    '{"type": "message", "text": "' + "x" * 4_001 + '"}',
    "[" * 10_000,
    '{"a":' * 2_000,
    '[{"type": "message", "text": "x"}]',
    "\x00",
    "\ufeff{}",
    *(json.dumps({"type": "message", "text": value}) for value in NOT_STRINGS),
]
