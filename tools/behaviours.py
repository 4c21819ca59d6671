"""What `check` looks at: the tests that hold at a step."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.paths import ROOT
from tools.steps import ALL, Step


def count_behaviours(step: Step) -> int:
    """Return how many tests, each with all of its cases, hold at a step."""
    files = [ROOT / "tests" / f"test_{one.name}.py" for one in ALL[: step.number]]
    return sum(step.number <= last for file in files for last in last_steps(file))


def last_steps(file: Path) -> Iterator[int]:
    """Yield, for each test in a file, the last step at which it holds."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test_"
        ):
            until = [
                mark for mark in map(ast.unparse, node.decorator_list) if "mark.until(" in mark
            ]
            yield int(until[0].split("until(")[1].rstrip(")")) if until else len(ALL)
