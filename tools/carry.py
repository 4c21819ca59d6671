"""Carry a fix made in one step into all later steps.

    python -m tools.carry 03                carries what differs from the last commit
    python -m tools.carry 03 --since REV    carries what differs from the commit REV

Each step is merged into the next, file by file, as git merges a branch: the base is the step as
it was in REV, one side the step as it is now, the other side the next step as it is now. So all
that differs in a step from REV goes on to the step after it: commit other work first, and commit
one fix before you carry another to the same lines. Nothing is staged and nothing is committed.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from tools.git import content_at, git, git_has
from tools.problem import Problem
from tools.steps import ALL, find_step


def changes(step: Path, rev: str) -> list[tuple[str, str]]:
    """List the files of a step that differ from REV: the path then and the path now.

    The two differ only if the file was renamed. Untracked files count as added.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # An index of our own shows git the untracked files and leaves the maintainer's alone.
        index = str(Path(scratch, "index"))
        git(step, "read-tree", rev, index=index)
        git(step, "add", "--all", ".", index=index)
        options = ["--cached", "--name-status", "--find-renames", "--relative", "-z"]
        diff = git(step, "diff", *options, rev, index=index)
    fields = iter(diff.stdout.decode().split("\0")[:-1])
    pairs = []
    for status in fields:
        path = next(fields)
        pairs.append((path, next(fields) if status.startswith("R") else path))
    return pairs


def content_now(step: Path, path: str) -> bytes | None:
    """Return a step's file as it is now, None if it is not there."""
    file = step / path
    content = file.read_bytes() if file.is_file() else None
    if content and b"\n<<<<<<< " in b"\n" + content:
        raise Problem(f"steps/{step.name}/{path} still has conflict markers: settle it first.")
    return content


def merge(base: bytes, ours: bytes, theirs: bytes, *labels: str) -> tuple[bytes, bool]:
    """Merge two versions of a file; return the result, and whether it is free of conflicts."""
    if ours == base:
        return theirs, True
    if theirs in (base, ours):
        return ours, True
    if b"\0" in base + ours + theirs:  # a binary file: git cannot merge it, people choose
        return ours, False
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in (("ours", ours), ("base", base), ("theirs", theirs)):
            Path(scratch, name).write_bytes(content)
        names = [word for label in labels for word in ("-L", label)]
        # Up to 127 the exit status is the number of conflicts.
        command = ["merge-file", "-p", *names, "ours", "base", "theirs"]
        merged = git(Path(scratch), *command, expected=range(128))
    return merged.stdout, merged.returncode == 0


def merge_once(
    base: bytes, before: bytes, ours: bytes, theirs: bytes, *labels: str
) -> tuple[bytes, bool]:
    """Merge, unless ours is what the merge has already made of the file as it was before.

    Among repeated lines, git can take a change that is there already for a new one.
    """
    if merge(base, before, theirs) == (ours, True):
        return ours, True
    return merge(base, ours, theirs, *labels)


def remove(step: Path, path: str) -> None:
    """Delete a step's file, and the folders that this leaves empty, as git does."""
    (step / path).unlink()
    for folder in (step / path).parents:
        if folder == step or any(folder.iterdir()):
            break
        folder.rmdir()


def carry_file(old: str, new: str, step: Path, later: Path, rev: str) -> str:
    """Bring one file's change into the next step; return what was done, empty for nothing."""
    here = old if (later / old).is_file() else new
    base, before = content_at(rev, step, old), content_at(rev, later, old)
    theirs, ours = content_now(step, new), content_now(later, here)
    if ours is None and theirs is None:
        return ""
    if ours is None and base is not None:
        return "skipped: this step has no such file"
    if theirs is None and ours != base:
        return f"conflict: {step.name} deletes it, but it differs here"
    if theirs is None:
        remove(later, here)
        return "deleted"
    if here != new and (later / new).exists():
        return f"conflict: {step.name} renames {old} to this, but both are here"

    labels = (later.name, f"{step.name} in {rev}", step.name)
    merged, clean = merge_once(base or b"", before or b"", ours or b"", theirs, *labels)
    if merged == ours and clean and here == new:
        return ""
    (later / new).parent.mkdir(parents=True, exist_ok=True)
    (later / new).write_bytes(merged)
    if here != new:
        remove(later, here)
    return "carried" if clean else f"conflict: it differs where {step.name} changes it"


def carry_step(step: Path, later: Path, rev: str) -> bool:
    """Bring all changes of a step into the next one; return whether all of them fitted."""
    outcomes = []
    for old, new in changes(step, rev):
        if outcome := carry_file(old, new, step, later, rev):
            print(f"{later.name}: {new}: {outcome}")
            outcomes.append(outcome)
    if not outcomes:
        print(f"{later.name}: nothing to do")
    return not any(outcome.startswith("conflict") for outcome in outcomes)


def check(steps: Sequence[Path], rev: str) -> None:
    """Raise Problem unless there is a step to carry to, and REV is a commit that holds the rest."""
    if len(steps) < 2:
        raise Problem("There is no later step to carry anything to.")
    if not git_has(steps[0], f"{rev}^{{commit}}"):
        raise Problem(f"There is no commit {rev} to compare with: name another with --since.")
    for step in steps[:-1]:
        if not git_has(step, f"{rev}:./"):
            raise Problem(f"{step.name} is not in {rev}, so what changed is unknown: commit it.")


def carry(steps: Sequence[Path], rev: str) -> None:
    """Carry what differs in the first of these steps from REV into the others, one by one.

    Raises Problem at the first conflict, and at once when REV does not hold the steps.
    """
    check(steps, rev)
    for step, later in pairwise(steps):
        if not carry_step(step, later, rev):
            since = "" if rev == "HEAD" else f" --since {rev}"
            more = f", then run: python -m tools.carry {later.name}{since}"
            raise Problem(
                f"Stopped at a conflict: settle it in steps/{later.name}"
                + ("." if later == steps[-1] else more)
            )


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status: 0 when all was carried, else 1 or 2."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.carry", description="Carry a fix made in one step to all later ones."
    )
    parser.add_argument("step", help="the step that holds the fix: 3, 03 or 03_views")
    parser.add_argument("--since", metavar="REV", default="HEAD", help="the commit before the fix")
    options = parser.parse_args(arguments)
    try:
        steps = ALL[ALL.index(find_step(options.step)) :]
        carry([step.folder for step in steps if step.folder.is_dir()], options.since)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
