"""What git knows of a folder's files."""

import os
import shutil
import subprocess
from pathlib import Path

from tools.problem import Problem


def git(
    folder: Path, *args: str, index: str | None = None, expected: range = range(1)
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder, with the index file given or else the repository's own.

    Raises Problem with git's own words when the exit status is not an expected one.
    """
    if shutil.which("git") is None:
        raise Problem("This needs git: install it, then run the same command again.")
    env = os.environ | {"GIT_INDEX_FILE": index} if index else None
    done = subprocess.run(["git", *args], check=False, cwd=folder, env=env, capture_output=True)
    if done.returncode not in expected:
        raise Problem(f"git {args[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done


def git_has(folder: Path, name: str) -> bool:
    """Return whether git knows an object by this name, such as `HEAD:./app.py`."""
    command = ["rev-parse", "--verify", "--quiet", name]
    return git(folder, *command, expected=range(2)).returncode == 0


def content_at(rev: str, folder: Path, path: str) -> bytes | None:
    """Return a folder's file as it was in REV, None if it was not there."""
    name = f"{rev}:./{path}"
    return git(folder, "cat-file", "--filters", name).stdout if git_has(folder, name) else None
