"""Compile pyproject.toml's dependency groups to requirements/*.txt: `python -m tools.lock`.

Existing versions stay as they are where pyproject.toml allows it; `--upgrade` takes the newest.
Needs uv. The locks hold versions and hashes for every platform, and no addresses.
"""

import shutil
import subprocess
import sys

from tools.paths import REQUIREMENTS, ROOT

# Each group must agree with the ones before it: any of them may share one environment.
GROUPS = ("run", "test", "mongod", "docs", "bench", "dev")

OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--custom-compile-command=python -m tools.lock",
    "--quiet",
)


def lock(group: str, earlier: tuple[str, ...], options: list[str]) -> None:
    """Compile one group, with the versions that the earlier groups have settled on."""
    constraints = [f"--constraint={REQUIREMENTS / name}.txt" for name in earlier]
    output = f"--output-file={REQUIREMENTS / group}.txt"
    command = ["uv", "pip", "compile", f"--group={group}", *constraints, output]
    subprocess.run([*command, *OPTIONS, *options], cwd=ROOT, check=True)


def main(options: list[str]) -> int:
    if shutil.which("uv") is None:
        print("There is no uv on PATH: install it first (pip install uv).", file=sys.stderr)
        return 2
    try:
        for position, group in enumerate(GROUPS):
            print(f"Locking {group} ...", flush=True)
            lock(group, GROUPS[:position], options)
    except subprocess.CalledProcessError as error:  # uv has said why
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
