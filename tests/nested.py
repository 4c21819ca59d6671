"""Tests that run tests: pytest in a process of its own, and what comes of each test there."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from tools.paths import ROOT


def run_pytest(
    *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pytest; all that it prints is in `stdout`."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def outcomes(
    folder: Path, *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> dict[str, set[str]]:
    """Run tests, with a report in `folder`; return what comes of each one's cases."""
    report = folder / "report.xml"
    done = run_pytest(*arguments, f"--junitxml={report}", environment=environment)
    assert report.exists(), done.stdout
    found: dict[str, set[str]] = defaultdict(set)
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.attrib["name"].partition("[")[0]
        found[name] |= {part.tag for part in case} & {"failure", "error", "skipped"} or {"passed"}
    return found
