"""What the process that runs the tests tells `check`."""

from dataclasses import dataclass

from tools.own_error import OwnError


@dataclass(frozen=True)
class Behaviour:
    """What one test function is about, and where the chapters speak of it."""

    name: str  # of the function
    file: str  # of the test, as in the repository
    line: int
    chapter: int
    section: str
    text: str  # in the learner's words
    proves: str  # what other tests only need, or nothing
    cases: int  # how many Results there will be


@dataclass(frozen=True)
class Failure:
    """Why a case does not work; empty where there is nothing to tell."""

    problem: str = ""
    case: str = ""
    sent: str = ""
    expected: str = ""
    received: str = ""
    answer: str = ""  # the whole, where `received` is a part of it
    needs: str = ""  # what it was about to get when it failed
    own: OwnError | None = None


@dataclass(frozen=True)
class Result:
    """What came of one case of the behaviour with this name."""

    name: str
    failure: Failure | None = None
    skipped: str = ""  # why it did not run


@dataclass(frozen=True)
class Plan:
    """All behaviours that will be tested, in this order."""

    behaviours: tuple[Behaviour, ...]


@dataclass(frozen=True)
class Refusal:
    """Why no test can begin."""

    reason: str
    own: OwnError | None = None


class End:
    """The last word. What has no Result by then was not tested."""
