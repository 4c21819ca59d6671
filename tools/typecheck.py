"""Check the types of everything: `python -m tools.typecheck`.

Each step has a package named `aiochat`, so each is checked in a run of its own, in its folder.
"""

import subprocess
import sys
from pathlib import Path

from tools.paths import ROOT, STEPS


def check(folder: Path, targets: list[str]) -> bool:
    """Run mypy on the targets, as seen from a folder; return whether it found nothing."""
    print(f"Types of {' '.join(targets)} in {folder.relative_to(ROOT).as_posix()} ...", flush=True)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    settings = ["--config-file", str(ROOT / "pyproject.toml")]
    settings += ["--cache-dir", str(ROOT / ".mypy_cache")]
    return subprocess.run([*command, *settings, *targets], cwd=folder, check=False).returncode == 0


def main() -> int:
    results = [check(ROOT, ["tutorial.py", "tools", "tests", "bench"])]
    results += [check(main.parent, ["aiochat"]) for main in sorted(STEPS.glob("*/aiochat"))]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
