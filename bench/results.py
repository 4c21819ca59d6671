"""What was found: each run of each repetition, and what it was found on. Kept as JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.stats import Summary, ratios, summarize


@dataclass(frozen=True)
class Run:
    """One contender, measured once."""

    contender: str
    loop: str  # its event loop; "" if it has none of Python's
    case: str  # what it was asked to do, such as "many/1000"
    repetition: int
    figures: dict[str, float]
    marks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Failure:
    """A contender that could not be measured, and why."""

    contender: str
    loop: str
    reason: str


@dataclass(frozen=True)
class Key:
    """Whose runs are meant."""

    contender: str
    loop: str
    case: str


@dataclass
class Results:
    """All runs of one benchmark."""

    benchmark: str
    date: str
    commit: str
    quick: bool
    machine: dict[str, str]
    versions: dict[str, str]
    runs: list[Run] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    complete: bool = False  # not stopped before the last repetition

    def values(self, key: Key, figure: str) -> dict[int, float]:
        """Return a figure by repetition; who has no event loop is compared with every loop."""
        return {
            run.repetition: run.figures[figure]
            for run in self.runs
            if run.contender == key.contender
            and run.loop in (key.loop, "")
            and run.case == key.case
            and figure in run.figures
        }

    def summary(self, key: Key, figure: str) -> Summary | None:
        return summarize(self.values(key, figure).values())

    def ratio(self, over: Key, under: Key, figure: str) -> Summary | None:
        """Return how many times as much one has as the other, in the same repetitions."""
        return summarize(ratios(self.values(over, figure), self.values(under, figure)))

    def marks(self, key: Key) -> list[str]:
        """Return what was wrong with any of the runs."""
        found = (
            mark
            for run in self.runs
            if (run.contender, run.case) == (key.contender, key.case) and run.loop in (key.loop, "")
            for mark in run.marks
        )
        return sorted(set(found))

    def fail(self, failure: Failure) -> None:
        if failure not in self.failures:
            self.failures.append(failure)

    def save(self, path: Path) -> None:
        """Write it in one go, one run to a line, so that a diff can be read."""
        head = asdict(self)
        rows = {name: head.pop(name) for name in ("failures", "runs")}
        lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
        for name, values in rows.items():
            body = ",\n  ".join(json.dumps(value) for value in values)
            lines.append(f' "{name}": [\n  {body}\n ]' if values else f' "{name}": []')
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found["runs"] = [Run(**run) for run in found["runs"]]
        found["failures"] = [Failure(**failure) for failure in found["failures"]]
        return cls(**found)


def load_all(folder: Path) -> dict[str, Results]:
    """Return the results in a folder by the names of their files."""
    return {path.stem: Results.load(path) for path in sorted(folder.glob("*.json"))}
