"""`check`, asked about folders as learners have them: right, not quite right, and broken."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.folders import change, copy_of
from tests.process import posix
from tools.check_list import CheckList
from tools.check_results import Behaviour, Failure, Plan, Result
from tools.paths import ROOT
from tools.steps import find_step


def environment() -> dict[str, str]:
    """As in a terminal that shows everything, without what this machine adds."""
    left_out = {"NO_COLOR", "FORCE_COLOR", "TUTORIAL_PATIENCE"}
    own = {name: value for name, value in os.environ.items() if name not in left_out}
    return own | {"PYTHONIOENCODING": "utf-8"}


def command(step: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", "tools", "check", str(step), str(folder)]


def check(step: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """Check a folder, with the output in a pipe."""
    done = subprocess.run(
        command(step, folder),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Somebody's own folder, with the code of step 02."""
    return copy_of(find_step("2"), tmp_path / "my own chat")


def lines(output: str, sign: str) -> list[str]:
    """What is listed with this sign."""
    return re.findall(rf"^    {sign} (.+)$", output, re.MULTILINE)


# --- what works and what does not ----------------------------------------------------------


def test_a_finished_step_has_a_tick_for_everything_and_leads_to_the_next(folder: Path) -> None:
    done = check(2, folder)
    ticks = lines(done.stdout, "✓")
    assert "create_app() makes a new application each time." in ticks
    assert "/hello/World greets World." in ticks
    assert f"All {len(ticks)} work. Go on with chapter 3, in the same folder." in done.stdout
    assert done.returncode == 0
    assert list(folder.rglob("__pycache__")) == []


def test_a_broken_line_breaks_what_it_was_for_and_nothing_else(folder: Path) -> None:
    change(folder, "chat/views.py", "Hello, {name}!", "Hello, you!")
    done = check(2, folder)
    assert lines(done.stdout, "✗") == ["/hello/World greets World. (5 of 5 cases fail)"]
    assert lines(done.stdout, "–") == []  # noqa: RUF001
    place, _, details = done.stdout.partition("Chapter 2, ")[2].partition("\n")
    assert place.startswith('"A part of the path as a name"')
    assert '  case       name "World"\n' in details
    assert "  sent       GET /hello/World\n" in details
    assert '  expected   "World" in what came\n' in details
    assert "Hello, you!" in details
    assert re.search(r"^\d+ of \d+ work. Next: /hello/World greets World.$", details, re.MULTILINE)
    assert done.returncode == 1


def test_what_needs_the_broken_part_is_not_held_against_the_learner(tmp_path: Path) -> None:
    folder = copy_of(find_step("3"), tmp_path / "my own chat")
    change(folder, "auth/views.py", 'HTTPSeeOther(self.request.app.router["main"]', "HTTPFound(")
    views = (folder / "aiochat/auth/views.py").read_text(encoding="utf-8")
    views = views.replace("HTTPFound(.url_for()", 'HTTPFound("/"')
    (folder / "aiochat/auth/views.py").write_text(views, encoding="utf-8", newline="\n")
    done = check(3, folder)
    assert lines(done.stdout, "✗") == ["After logging in you are sent to / with 303."]
    assert "  expected   303\n  received   302 Found, to /\n" in done.stdout
    assert "Every message has an id of its own. (needs a login)" in lines(done.stdout, "–")  # noqa: RUF001
    assert "An address that does not exist" in done.stdout


def test_an_error_in_a_view_shows_as_the_learner_s_with_its_line(folder: Path) -> None:
    line = change(folder, "chat/views.py", 'match_info["seconds"]', 'match_info["second"]')
    done = check(2, folder)
    assert f"aiochat/chat/views.py, line {line}: KeyError: 'second'\n" in done.stdout
    assert 'seconds = int(request.match_info["second"])\n' in done.stdout
    assert done.returncode == 1


@posix
def test_code_that_blocks_is_stopped_and_named(folder: Path) -> None:
    old = '    name = request.match_info["name"]\n'
    line = change(folder, "chat/views.py", old, "    import time\n    time.sleep(1_000)\n")
    done = check(2, folder)
    assert lines(done.stdout, "✗") == ["/hello/World greets World. (1 of 5 cases fail)"]
    assert f"aiochat/chat/views.py, line {line + 1}: this does not end" in done.stdout
    assert "(not checked)" in lines(done.stdout, "–")[-1]  # noqa: RUF001
    assert done.returncode == 1


# --- what cannot even begin ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("def create_app()", "def create_app(", "Python cannot read {0}: SyntaxError: "),
        ("routes import routes", "routes import roads", "{0}: cannot import name 'roads' from"),
        ("from .routes", "from .rotues", "{0} imports aiochat.rotues, but there is no such file"),
        ("from aiohttp import web", "import aiohtp", "{0} imports aiohtp, which is not installed"),
        ("def create_app", "def make_app", "aiochat/app.py has no create_app() yet"),
        (
            "from .routes",
            "import os; os._exit(1)\nfrom .routes",
            "The chat does not start: it ends",
        ),
        (
            "    return app",
            "    return 5",
            "create_app() must return the application; it returns 5.",
        ),
        ("add_routes(routes", "add_routes(root", "{0}: NameError: name 'root' is not defined."),
    ],
)
def test_code_that_does_not_load_is_refused_in_a_sentence(
    folder: Path, old: str, new: str, sentence: str
) -> None:
    line = change(folder, "app.py", old, new)
    done = check(2, folder)
    assert done.stderr.startswith(sentence.format(f"aiochat/app.py, line {line}"))
    assert done.returncode == 1


def test_a_folder_without_a_chat_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = check(2, tmp_path)
    assert done.stderr == f"{tmp_path} holds no chat: there is no folder named aiochat in it.\n"
    (tmp_path / "aiochat").mkdir()
    done = check(2, tmp_path)
    assert done.stderr == f"{tmp_path} has no aiochat/app.py yet: begin with that file.\n"


# --- on the terminal -----------------------------------------------------------------------


@posix
def test_ctrl_c_ends_it_with_one_line(folder: Path) -> None:
    process = subprocess.Popen(
        command(2, folder),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout
    for line in process.stdout:
        if "✓" in line:
            break
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=180)
    assert re.search(r"^Stopped: \d+ of \d+ are checked\.$", rest, re.MULTILINE)
    assert errors == ""
    assert process.returncode == 130


def test_what_came_is_shown_as_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    check_list = CheckList(find_step("2"))
    behaviour = Behaviour("slices", "tests/x.py", 1, 2, "A heading", "It slices.", "", cases=1)
    check_list.add_plan(Plan((behaviour,)))
    check_list.add_result(Result("slices", Failure(problem="no", received="row[a:b:c]")))
    check_list.print_what_is_certain()
    assert not check_list.print_outcome()
    assert "row[a:b:c]" in capsys.readouterr().out


def test_a_terminal_that_lacks_the_signs_gets_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    check_list = CheckList(find_step("2"))
    good, bad = (
        Behaviour(name, "tests/x.py", 1, 2, "A heading", f"It {name}.", proves="", cases=1)
        for name in ("works", "waits")
    )
    check_list.add_plan(Plan((good, bad)))
    check_list.add_result(Result("works"))
    check_list.add_result(Result("waits", skipped="no Chromium on PATH: install it"))
    check_list.print_what_is_certain()
    assert check_list.print_outcome()
    screen.seek(0)
    shown = screen.read()
    assert "    ok It works.\n    -- It waits. (no Chromium on PATH)\n" in shown
    assert shown.endswith("Not checked: no Chromium on PATH: install it\n")
