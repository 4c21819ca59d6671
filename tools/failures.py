"""Why a test failed, in words for the person whose code it tested."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from aiohttp import ClientError, WSServerHandshakeError

from tests.people import Transcript, shorten
from tools.check_results import Failure


class Comparison(NamedTuple):
    """The one that an assertion made and that came out wrong: `left` `op` `right`."""

    op: str
    left: object
    right: object


def explain(error: BaseException, compared: Comparison | None, transcript: Transcript) -> Failure:
    """Say what was sent, expected and received when a test failed with this error."""
    sent, answer = transcript.sent, transcript.received
    if sent == "nothing":  # this test watches something else
        sent = answer = ""
    needs = first_need(error)
    if compared is None or not isinstance(error, AssertionError):
        return Failure(problem(error), sent=sent, received=answer, needs=needs)
    expected, received = in_words(compared)
    if not expected:
        return Failure(problem(error), sent=sent, received=answer, needs=needs)
    if not received or answer.startswith(f"{received} "):  # the answer says more
        received, answer = answer, ""
    case = own_words(error)
    return Failure("", case, sent, expected, received, answer, needs)


def first_need(error: BaseException) -> str:
    """Return what the test was still on its way to, as tests/people.py has noted it."""
    notes = getattr(error, "__notes__", ())
    return next((note.removeprefix("needs ") for note in notes if note.startswith("needs ")), "")


def in_words(compared: Comparison) -> tuple[str, str]:
    """Return what a comparison expected and what it got; nothing where that says little."""
    op, left, right = compared
    match op:
        case "==":
            return show(right), show(left)
        case "!=":
            return f"anything but {show(right)}", ""
        case "in" if isinstance(right, str):
            return f"{show(left)} in what came", "" if len(right) > 100 else show(right)
        case "not in" if isinstance(right, str):
            return f"no {show(left)} in what came", ""
        case "in" if isinstance(right, Iterable):
            return f"one of {show(right)}", show(left)
    return "", ""


def show(value: object) -> str:
    """Write a value as JSON does, which is nobody's own language."""
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    return shorten(json.dumps(value, ensure_ascii=False, default=name_of))


def name_of(value: object) -> str:
    """Return what a function is called, or any other value as text."""
    return getattr(value, "__name__", str(value))


def own_words(error: BaseException) -> str:
    """Return what the author of an assertion has written beside it."""
    first = str(error).partition("\n")[0]
    return "" if first.startswith("assert ") else first


def problem(error: BaseException) -> str:
    """Say in a few words what went wrong, when nothing was compared."""
    first = str(error).partition("\n")[0]
    match error:
        case AssertionError():
            return own_words(error)
        case TimeoutError():
            return "no answer came in time"
        case WSServerHandshakeError():
            return f"the socket was refused with {error.status}"
        case ClientError():
            return f"the connection failed: {first}"
        case json.JSONDecodeError():
            return "what came is not JSON"
        case KeyError():
            return f"there is no {show(error.args[0])} in what came"
    return first or type(error).__name__
