"""`python -m tools.soak`: it finds nothing wrong with the last step, and notices what is wrong."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import missing
from tests.folders import change, copy_of
from tools.mongod import find_mongod
from tools.paths import ROOT
from tools.steps import ALL

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc"),
    pytest.mark.slow,
]


@pytest.fixture
def server() -> None:
    """A mongod to start: without one there is no run."""
    if find_mongod() is None:
        missing("no mongod: put one on PATH or run python3 tutorial.py install mongod")


def soak(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it for some seconds, with the output in a pipe."""
    return run("--minutes=0.05", "--seed=1", *arguments)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.soak", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the last step, to break."""
    return copy_of(ALL[-1], tmp_path / "broken")


@pytest.mark.usefixtures("server")
def test_nothing_is_wrong_with_the_last_step() -> None:
    done = soak()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "--seed 1" in done.stdout
    assert re.search("messages of the two +│ [1-9]", done.stdout)
    assert "WRONG" not in done.stdout


@pytest.mark.usefixtures("server")
def test_it_notices_an_answer_of_500_and_a_message_that_nobody_hears(folder: Path) -> None:
    change(folder, "chat/views.py", "before = read_id(", "before = 1 / 0 and read_id(")
    change(
        folder,
        "chat/models.py",
        "self.announce(message.event())",
        "message.id % 10 == 7 or self.announce(message.event())",
    )
    done = soak(folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search("answers with 5xx .*WRONG", done.stdout)
    assert re.search("tracebacks in the log .*WRONG", done.stdout)
    assert "ZeroDivisionError" in done.stdout
    assert re.search("messages of the two .*WRONG", done.stdout)
    assert "ann heard" in done.stdout


def test_a_port_that_cannot_be_used_is_said_so_in_a_sentence() -> None:
    done = run("--port=99999")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("server")
def test_told_to_stop_it_leaves_no_process_behind() -> None:
    command = [sys.executable, "-m", "tools.soak", "--minutes=0.3", "--seed=1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if "messages heard" in line:  # everything is under way
                break
        started = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.communicate(timeout=180)
    assert process.returncode == 130
    assert len(started) > 3  # the chat, its database, the noise
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
