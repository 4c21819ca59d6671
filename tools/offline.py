"""`offline`: a copy of the tutorial for a room without internet.

It holds the packages for the chosen systems and Pythons in the folder `wheels`, where tutorial.py
finds them, and the built site in the folder `site`.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from packaging.requirements import Requirement

from tools.paths import COMMAND, REQUIREMENTS, ROOT
from tools.problem import Problem
from tools.site import mkdocs
from tools.start import refuse_unless_new

GROUPS = ("run", "test")  # what `run`, `check` and `talk` need

PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# What packages are built for, and what their conditions call such a system.
PLATFORMS = {
    "linux": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "macos": (
        *("macosx_11_0_arm64", "macosx_12_0_arm64", "macosx_14_0_arm64"),
        *("macosx_11_0_universal2", "macosx_10_13_universal2", "macosx_10_9_universal2"),
    ),
    "windows": ("win_amd64",),
}
CONDITIONS = {
    "linux": {"sys_platform": "linux", "os_name": "posix", "platform_machine": "x86_64"},
    "macos": {"sys_platform": "darwin", "os_name": "posix", "platform_machine": "arm64"},
    "windows": {"sys_platform": "win32", "os_name": "nt", "platform_machine": "AMD64"},
}
PLATFORM_SYSTEM = {"linux": "Linux", "macos": "Darwin", "windows": "Windows"}

# What is this machine's own, or made anew by whoever gets the copy.
LEFT_OUT = (".git", ".venv", ".data", "wheels", "site", "__pycache__", ".*_cache", ".hypothesis")


def offline(folder: Path, systems: list[str], pythons: list[str]) -> None:
    """Write the copy. Raises Problem for an unknown system or Python, or if a part is missing."""
    for system in systems:
        if system not in PLATFORMS:
            raise Problem(f"There is no system {system!r}; there are: {', '.join(PLATFORMS)}.", 2)
    for python in pythons:
        if python not in PYTHONS:
            raise Problem(f"There is no Python {python!r}; there are: {', '.join(PYTHONS)}.", 2)
    if folder.resolve().is_relative_to(ROOT):
        raise Problem("Choose a folder outside of the tutorial's own: it will hold a copy of it.")
    refuse_unless_new(folder)
    try:
        fill(folder, systems, pythons)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # or the next try would be refused
        raise
    print(f"{folder} is ready. Copy it to any computer; there, without internet:")
    print(f"  {COMMAND} run")
    print("  and open site/index.html in the browser.")


def fill(folder: Path, systems: list[str], pythons: list[str]) -> None:
    """Put everything into the folder. Raises Problem."""
    print("Copying the tutorial ...", flush=True)
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    for system, python in product(systems, pythons):
        print(f"Fetching the packages for Python {python} on {system} ...", flush=True)
        fetch(folder / "wheels", system, python)
    print("Building the site ...", flush=True)
    if mkdocs("build", "--quiet", f"--site-dir={folder / 'site'}") != 0:
        raise Problem(f"The site could not be built: {COMMAND} docs --build says why.")


def fetch(wheels: Path, system: str, python: str) -> None:
    """Fetch the packages that one system and Python need. Raises Problem."""
    wheels.mkdir(exist_ok=True)
    chosen = wheels / "requirements.txt"
    chosen.write_text("\n".join(needed(system, python)), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", f"--python-version={python}", "--dest"]
    command += [str(wheels), "--requirement", str(chosen)]
    command += [f"--platform={platform}" for platform in PLATFORMS[system]]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    chosen.unlink()
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["pip did not say why"])[-1]
        raise Problem(f"The packages for Python {python} on {system} are not to be had: {reason}")


def needed(system: str, python: str) -> Iterator[str]:
    """Yield each package, and its version, that the locks name for a system and a Python."""
    conditions = CONDITIONS[system] | {
        "platform_system": PLATFORM_SYSTEM[system],
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for group in GROUPS:
        for line in (REQUIREMENTS / f"{group}.txt").read_text(encoding="utf-8").splitlines():
            if "==" in line and not line.startswith((" ", "#")):
                requirement = Requirement(line.rstrip("\\ "))
                if requirement.marker is None or requirement.marker.evaluate(conditions):
                    yield f"{requirement.name}{requirement.specifier}"
