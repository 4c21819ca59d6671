"""Tests that run tests: pytest in a process of its own, and what comes of each test there."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from tools.paths import ROOT


def run_pytest(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run pytest and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.stdout + done.stderr


def outcomes(
    folder: Path, *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> dict[str, set[str]]:
    """Run tests, with a report in `folder`; return what comes of each one's cases."""
    report = folder / "report.xml"
    output = run_pytest(*arguments, f"--junitxml={report}", environment=environment)
    assert report.exists(), output
    found: dict[str, set[str]] = defaultdict(set)
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.attrib["name"].partition("[")[0]
        found[name] |= {part.tag for part in case} & {"failure", "error", "skipped"} or {"passed"}
    return found
