"""The list that `check` prints: what works, what does not, and where to go on."""

import sys
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from tools.check_results import Behaviour, Failure, Plan, Result
from tools.paths import ROOT
from tools.steps import ALL, Step, find_step
from tools.terminal import clean

WORKS, FAILS, UNKNOWN = "works", "fails", "unknown"
STYLES = {WORKS: "green", FAILS: "bold red", UNKNOWN: "yellow"}
SIGNS = {WORKS: "✓", FAILS: "✗", UNKNOWN: "–"}  # noqa: RUF001
PLAIN_SIGNS = {WORKS: "ok", FAILS: "NO", UNKNOWN: "--"}

LONGEST = 200  # characters of what was sent or received


@dataclass(frozen=True)
class Verdict:
    """What to say of a behaviour."""

    kind: str  # WORKS, FAILS or UNKNOWN
    note: str = ""
    failure: Failure | None = None


class CheckList:
    """The behaviours in the chapters' order; a line is printed as soon as it is certain."""

    def __init__(self, step: Step, exercise: int | None = None) -> None:
        self.step = step
        self.exercise = exercise
        self.console = Console(highlight=False, soft_wrap=True, emoji=False)
        self.signs = SIGNS if can_show("".join(SIGNS.values())) else PLAIN_SIGNS
        self.behaviours: list[Behaviour] = []
        self.results: dict[str, list[Result]] = {}
        self.printed: dict[Behaviour, Verdict] = {}
        self.explained: set[str] = set()  # places of errors in the learner's code

    # --- what comes in -------------------------------------------------------------------------

    def add_plan(self, plan: Plan) -> None:
        """Learn of more behaviours; nothing may be printed yet."""
        found = [*self.behaviours, *plan.behaviours]
        found.sort(key=lambda one: (one.chapter, one.line))
        sections = list(dict.fromkeys((one.chapter, one.section) for one in found))
        found.sort(key=lambda one: sections.index((one.chapter, one.section)))
        self.behaviours = found
        self.results |= {one.name: [] for one in plan.behaviours}

    def add_result(self, result: Result) -> None:
        self.results[result.name].append(result)

    def give_up(self, plan: Plan, failure: Failure | None) -> None:
        """Learn that a plan ends here; the failure, if any, is that of its next behaviour."""
        for one in plan.behaviours:
            while not self.is_complete(one):
                reason = "" if failure else "not checked: mend first what does not end"
                self.add_result(Result(one.name, failure, reason))
                failure = None

    # --- what is to be said of it --------------------------------------------------------------

    def is_complete(self, behaviour: Behaviour) -> bool:
        return len(self.results[behaviour.name]) == behaviour.cases

    def proof_of(self, need: str) -> Behaviour | None:
        """The behaviour that shows whether there is what others need."""
        return next((one for one in self.behaviours if need and one.proves == need), None)

    def is_certain(self, behaviour: Behaviour) -> bool:
        """Whether all is known that the verdict depends on."""
        needs = [self.proof_of(failure.needs) for failure in self.failures(behaviour)]
        return all(self.is_complete(one) for one in [behaviour, *needs] if one)

    def failures(self, behaviour: Behaviour) -> list[Failure]:
        return [result.failure for result in self.results[behaviour.name] if result.failure]

    def verdict(self, behaviour: Behaviour) -> Verdict:
        failures = self.failures(behaviour)
        excuses = {failure: self.excuse(behaviour, failure) for failure in failures}
        for failure in failures:
            if not excuses[failure]:
                share = f"{len(failures)} of {behaviour.cases} cases fail"
                return Verdict(FAILS, share if behaviour.cases > 1 else "", failure)
        if failures:
            return Verdict(UNKNOWN, excuses[failures[0]], failures[0])
        skipped = [result.skipped for result in self.results[behaviour.name]]
        return Verdict(UNKNOWN, skipped[0]) if all(skipped) else Verdict(WORKS)

    def excuse(self, behaviour: Behaviour, failure: Failure) -> str:
        """Return why a failure says nothing about the behaviour itself, if that is so."""
        proof = self.proof_of(failure.needs)
        if proof and proof != behaviour and self.failures(proof):
            return f"needs {failure.needs}"
        if failure.own and failure.own.place in self.explained:
            return f"the same error in {failure.own.place}"
        return ""

    # --- what goes out -------------------------------------------------------------------------

    def print_what_is_certain(self) -> None:
        """Print the next lines, up to one that still waits for something."""
        for behaviour in self.behaviours[len(self.printed) :]:
            if not self.is_certain(behaviour):
                return
            verdict = self.verdict(behaviour)
            self.print_headings(behaviour)
            self.print_line(behaviour, verdict)
            self.printed[behaviour] = verdict
            if verdict.kind == FAILS and verdict.failure and verdict.failure.own:
                self.explained.add(verdict.failure.own.place)

    def print_headings(self, behaviour: Behaviour) -> None:
        last = next(reversed(self.printed), None)
        if last is None or last.chapter != behaviour.chapter:
            title = find_step(str(behaviour.chapter)).title
            self.console.print(Text(f"\nChapter {behaviour.chapter}: {title}", style="bold"))
        if last is None or (last.chapter, last.section) != (behaviour.chapter, behaviour.section):
            self.console.print(Text(f"  {behaviour.section}"))

    def print_line(self, behaviour: Behaviour, verdict: Verdict) -> None:
        sign = Text(f"    {self.signs[verdict.kind]} ", style=STYLES[verdict.kind])
        note = f" ({verdict.note.partition(':')[0]})" if verdict.note else ""
        self.console.print(sign + Text(behaviour.text) + Text(note, style="dim"))

    def print_outcome(self) -> bool:
        """Print what is to be done next; return whether nothing fails."""
        kinds = [verdict.kind for verdict in self.printed.values()]
        works = f"{kinds.count(WORKS)} of {len(kinds)} work"
        for behaviour, verdict in self.printed.items():
            if verdict.kind == FAILS and verdict.failure:
                self.print_failure(behaviour, verdict.failure)
                self.console.print(f"\n{works}. Next: {behaviour.text}", markup=False)
                return False
        if UNKNOWN in kinds:
            self.console.print(f"\n{works}, and none fails of those that could be checked.")
            for note in dict.fromkeys(one.note for one in self.printed.values() if one.note):
                self.console.print(f"Not checked: {note}", markup=False)
        else:
            self.console.print(f"\nAll {len(kinds)} work. {self.way_on()}", markup=False)
        return True

    def way_on(self) -> str:
        if self.exercise is not None:
            return "The exercise is solved."
        if self.step == ALL[-1]:
            return "Your chat is finished."
        number = self.step.number + 1
        return f"Go on with chapter {number}, in the same folder."

    def print_failure(self, behaviour: Behaviour, failure: Failure) -> None:
        """Say where in the chapter it is, what was sent, expected and received."""
        chapter = find_step(str(behaviour.chapter)).chapter
        path = f": {chapter}" if (ROOT / chapter).exists() else ""
        place = f'Chapter {behaviour.chapter}, "{behaviour.section}"{path}'
        self.console.print(Text(f"\n{place}", style="bold"))
        self.console.print(Text(f"{self.signs[FAILS]} {behaviour.text}", style=STYLES[FAILS]))
        own = failure.own
        rows = {
            "case": failure.case,
            "problem": failure.problem,
            "sent": failure.sent,
            "expected": failure.expected,
            "received": failure.received,
            "answer": failure.answer,
            "your code": str(own or ""),
            "": own.source if own else "",
            "the test": f"{behaviour.file}, line {behaviour.line}",
        }
        for label, text in rows.items():
            if text:
                self.console.print(f"  {label:<10} {cut(clean(text))}", markup=False)


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def can_show(text: str) -> bool:
    """Whether the output has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
