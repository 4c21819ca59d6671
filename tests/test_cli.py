"""The commands, run as a person runs them."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from tests.conftest import missing
from tests.process import posix
from tools.diff import project_files
from tools.mongod import free_port
from tools.paths import ROOT
from tools.steps import ALL, Step
from tools.talk import LAST_WORDS
from tools.terminal import clean

LAST = ALL[-1]
ESCAPE = "\x1b"
WITH_SOCKET = [step for step in ALL if step.has_socket]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, so that no test touches what this machine's chat keeps."""
    copy = tmp_path_factory.mktemp("project")
    leave_out = shutil.ignore_patterns("__pycache__")
    for folder in ("tools", "steps"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=leave_out)
    shutil.copytree(ROOT / "requirements", copy / "requirements")
    return copy


def environment(**more: str) -> dict[str, str]:
    ours = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    without = ("MONGO_URL", "SECRET_KEY", "NO_COLOR", "FORCE_COLOR")
    return {key: value for key, value in os.environ.items() if key not in without} | ours | more


def tutorial(project: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, with its output in a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "tools", *arguments],
        cwd=project,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=180,
        check=False,
    )


def refuses(done: subprocess.CompletedProcess[str], sentence: str, code: int) -> None:
    """Check that a command was refused, in words."""
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


# --- finding one's way ---------------------------------------------------------------------


def test_without_a_command_it_shows_what_there_is(project: Path) -> None:
    done = tutorial(project)
    assert done.returncode == 0
    for command in ("run", "test", "steps", "start", "check", "diff", "talk", "install"):
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE), command


def test_an_unknown_command_is_answered_with_what_was_probably_meant(project: Path) -> None:
    done = tutorial(project, "strat")
    refuses(done, "There is no command 'strat'. Did you mean start? The commands are: run, ", 2)


def test_an_unknown_step_is_answered_with_what_was_probably_meant_and_the_list(
    project: Path,
) -> None:
    done = tutorial(project, "run", "05_databse")
    refuses(done, "There is no step '05_databse'. Did you mean 05_database?", 2)
    assert all(step.name in done.stderr for step in ALL)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["talk", "localhost:port", "--name", "ann"], "localhost:port is no address"),
        (["run", "~nobody has this name"], "There is no folder ~nobody has this name"),
        (["start", "3", "tools/cli.py/mine"], "tools/cli.py/mine"),
        (["offline", "steps/../../elsewhere"], "elsewhere exists and is not an empty folder"),
    ],
)
def test_an_odd_place_is_refused_in_words(project: Path, command: list[str], sentence: str) -> None:
    (project.parent / "elsewhere").touch()
    done = tutorial(project, *command)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_python_gets_whatever_stands_behind_the_file(project: Path) -> None:
    (project / "words.py").write_text("import sys; print(sys.argv[1:])\n", encoding="utf-8")
    done = tutorial(project, "python", "words.py", "a", "--", "--flag", "b")
    assert done.stdout == "['a', '--', '--flag', 'b']\n"


def test_diff_shows_a_tab_as_a_tab(project: Path, tmp_path: Path) -> None:
    for name, line in (("spaces", "    pass\n"), ("tabs", "\tpass\n")):
        (tmp_path / name / "aiochat").mkdir(parents=True)
        (tmp_path / name / "aiochat" / "app.py").write_text(line, encoding="utf-8")
    done = tutorial(project, "diff", str(tmp_path / "spaces"), str(tmp_path / "tabs"))
    assert "\n-    pass\n+\tpass\n" in done.stdout


def test_an_unknown_option_is_refused_in_words(project: Path) -> None:
    refuses(tutorial(project, "run", "--prot", "8081"), "--port", 2)


def test_steps_lists_every_step_with_its_minutes(project: Path) -> None:
    lines = tutorial(project, "steps").stdout.splitlines()[1:]
    assert len(lines) == len(ALL)
    for line, step in zip(lines, ALL, strict=True):
        assert line.startswith(step.name)
        assert step.title in line
        assert line.rstrip().endswith(f"about {step.minutes}")


@pytest.mark.parametrize("word", ["2", "02", "routes", "02_routes", "02_ROUTES"])
def test_a_step_is_found_by_number_and_by_name(project: Path, word: str) -> None:
    assert tutorial(project, "diff", word).stdout == tutorial(project, "diff", "1", "2").stdout


def test_test_runs_the_chosen_steps_and_hands_the_rest_to_pytest(project: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", project)
    tests = project / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tests / "test_tiny.py").write_text("def test_tiny(): pass\n", encoding="utf-8")
    done = tutorial(project, "test", "2", "heroku", "--", "-k", "tiny")
    assert done.returncode == 0, done.stdout
    assert "STEPS ['02_routes', '09_heroku']" in done.stdout
    assert "1 passed" in done.stdout
    assert tutorial(project, "test", "--", "-k", "nothing").returncode == 5


CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--step", action="append")

def pytest_report_header(config):
    return f"STEPS {config.getoption('--step')}"
"""


def test_install_names_the_groups_there_are(project: Path) -> None:
    refuses(tutorial(project, "install", "everything"), "bench, dev, docs, mongod, run, test", 2)


# --- diff ----------------------------------------------------------------------------------


def test_diff_in_a_pipe_has_no_colour(project: Path) -> None:
    done = tutorial(project, "diff", "2")
    assert "\n+" in done.stdout
    assert ESCAPE not in done.stdout


def test_diff_on_a_terminal_has_colour_unless_it_is_unwanted(project: Path) -> None:
    coloured = tutorial(project, "diff", "2", FORCE_COLOR="1").stdout
    plain = tutorial(project, "diff", "2", FORCE_COLOR="1", NO_COLOR="1").stdout
    assert f"{ESCAPE}[32m+" in coloured
    assert "\n+" in plain
    assert f"{ESCAPE}[32m" not in plain


@pytest.mark.parametrize(("before", "after"), list(pairwise(ALL)), ids=lambda step: step.name)
def test_a_diff_is_a_patch_that_makes_the_next_step(
    project: Path, tmp_path: Path, before: Step, after: Step
) -> None:
    if shutil.which("git") is None:
        missing("no git: install it to test what `diff` prints")
    mine = tmp_path / "mine"
    shutil.copytree(project / "steps" / before.name, mine)
    patch = tmp_path / "step.patch"
    text = tutorial(project, "diff", before.name, after.name).stdout
    patch.write_text(text, encoding="utf-8", newline="\n")
    subprocess.run(["git", "apply", str(patch)], cwd=mine, check=True, timeout=180)
    assert contents(mine) == contents(project / "steps" / after.name)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in project_files(folder)}


def test_diff_of_the_first_step_is_from_nothing(project: Path) -> None:
    lines = tutorial(project, "diff", "1").stdout.splitlines()
    assert "--- /dev/null" in lines
    assert not [line for line in lines if line.startswith("-") and line != "--- /dev/null"]


def test_diff_of_a_folder_alone_asks_what_to_compare_it_with(project: Path, tmp_path: Path) -> None:
    (tmp_path / "aiochat").mkdir()
    refuses(tutorial(project, "diff", str(tmp_path)), "with what?", 2)


# --- start ---------------------------------------------------------------------------------


def test_start_begins_with_the_step_before_and_says_how_to_go_on(
    project: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "new" / "mine"
    done = tutorial(project, "start", "3", str(mine))
    assert done.returncode == 0, done.stderr
    assert contents(mine) == contents(project / "steps" / "02_routes")
    readme = (mine / "README.md").read_text(encoding="utf-8")
    place = os.path.relpath(mine, project).replace(os.sep, "/")
    assert f"check 3 {place}" in readme
    assert f"run {place}" in readme
    assert "diff 3" in readme
    done = tutorial(project, "diff", "2", str(mine))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_start_names_the_chapter_where_there_is_one(project: Path, tmp_path: Path) -> None:
    chapter = project / "docs" / "02_routes.md"
    chapter.parent.mkdir(exist_ok=True)
    chapter.write_text("# Routes", encoding="utf-8")
    tutorial(project, "start", "2", str(tmp_path / "mine"))
    assert "docs/02_routes.md" in (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")


def test_the_first_step_starts_with_what_it_requires_only(project: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    assert tutorial(project, "start", "1", str(mine)).returncode == 0
    assert sorted(path.name for path in mine.iterdir()) == ["README.md", "requirements.txt"]


def test_start_never_overwrites_anything(project: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    refuses(tutorial(project, "start", "3", str(tmp_path)), "is not an empty folder", 2)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


# --- run -----------------------------------------------------------------------------------


class Running:
    """A `run` that goes on, and what it has printed."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def first_lines(self, count: int = 2) -> str:
        """Wait until it listens; return its address and, for a step, where the messages are."""
        assert self.process.stdout
        lines = "".join(self.process.stdout.readline() for _ in range(count))
        assert self.url in lines, lines
        return lines

    def interrupt(self, number: signal.Signals) -> tuple[int, str]:
        """Send it a signal; return its exit code and what it printed since."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=90)
        return self.process.returncode, rest


@contextmanager
def running(
    project: Path, *arguments: str, log: int = subprocess.DEVNULL, **more: str
) -> Iterator[Running]:
    port = free_port()
    command = [sys.executable, "-m", "tools", "run", *arguments, "--port", str(port)]
    with subprocess.Popen(
        command,
        cwd=project,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        encoding="utf-8",
    ) as process:
        try:
            yield Running(process, port)
        finally:
            process.terminate()  # gently, for there may be a database to stop
            process.communicate(timeout=90)


@posix
@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_run_serves_a_step_until_ctrl_c(project: Path, step: Step) -> None:
    with running(project, step.name, log=subprocess.STDOUT) as chat:
        assert "essages" in read_until_told(chat)
        with urllib.request.urlopen(chat.url + "/", timeout=30) as answer:
            assert answer.status == 200
        code, rest = chat.interrupt(signal.SIGINT)
    assert code == 0
    assert "Traceback" not in rest


@posix
def test_run_ends_as_well_when_it_is_told_to_terminate(project: Path) -> None:
    with running(project, "5") as chat:
        chat.first_lines()
        assert chat.interrupt(signal.SIGTERM) == (0, "")


def read_until_told(chat: Running) -> str:
    """Return the line on messages, which comes after the address; the log may come first."""
    assert chat.process.stdout
    for line in chat.process.stdout:
        if chat.url in line:
            return chat.process.stdout.readline()
    raise AssertionError("it ended without telling its address")


def test_run_without_a_step_runs_the_last(project: Path) -> None:
    with running(project) as chat:
        assert LAST.name in chat.first_lines()


@pytest.mark.parametrize(
    ("step", "sentence"),
    [("2", "no messages to keep"), ("4", "in memory"), ("5", "--mongo keeps them")],
)
def test_run_says_where_messages_are_kept(project: Path, step: str, sentence: str) -> None:
    with running(project, step) as chat:
        assert sentence in chat.first_lines()


def test_open_opens_the_browser_when_it_listens(project: Path, tmp_path: Path) -> None:
    browser, opened = tmp_path / "browser.py", tmp_path / "opened"
    visit = (
        "import sys, urllib.request as r, pathlib; url = sys.argv[1]; r.urlopen(url, timeout=30)"
    )
    note = f"pathlib.Path({str(opened)!r}).write_text(url)"
    browser.write_text(f"{visit}; {note}\n", encoding="utf-8")
    command = f"{Path(sys.executable).as_posix()} {browser.as_posix()} %s"
    with running(project, "1", "--open", BROWSER=command) as chat:
        deadline = time.monotonic() + 30
        while not opened.exists() or opened.read_text() != chat.url:
            assert time.monotonic() < deadline, "the browser has not been opened"
            time.sleep(0.05)


def test_run_serves_a_folder_of_ones_own(project: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(project / "steps" / "02_routes", mine)
    with running(project, str(mine)) as chat:
        chat.first_lines(1)
        with urllib.request.urlopen(chat.url + "/", timeout=30) as answer:
            assert answer.status == 200


def test_a_busy_port_is_one_sentence_with_the_way_out(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = tutorial(project, "run", "1", "--port", str(port))
    refuses(done, f"Port {port} is taken", 1)
    assert "--port 8081" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_error_in_ones_own_code_shows_as_ones_own(project: Path, tmp_path: Path) -> None:
    package = tmp_path / "aiochat"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("from . import app\n", encoding="utf-8")
    (package / "app.py").write_text("answer = 42\nanswer = (\n", encoding="utf-8")
    done = tutorial(project, "run", str(tmp_path))
    assert done.returncode == 1
    assert re.search(r'app\.py", line 2', done.stderr)
    assert "SyntaxError" in done.stderr
    assert "runpy" not in done.stderr
    assert str(project / "tools") not in done.stderr


def test_a_folder_without_a_chat_is_refused(project: Path, tmp_path: Path) -> None:
    refuses(tutorial(project, "run", str(tmp_path)), "no folder named aiochat", 2)


def test_mongo_before_there_is_a_database_is_refused(project: Path) -> None:
    done = tutorial(project, "run", "3", "--mongo")
    refuses(done, "Step 03_views has no database yet: it comes with 05_database.", 2)


@posix
@pytest.mark.usefixtures("mongod")
def test_with_mongo_messages_are_there_after_a_restart(project: Path) -> None:
    with running(project, "5", "--mongo") as chat:
        assert str(project / ".data" / "mongo") in chat.first_lines()
        said = talk(project, chat.url, "I stay\n")
        assert said.returncode == 0, said.stdout
        assert chat.interrupt(signal.SIGINT)[0] == 0
    with running(project, "5", "--mongo") as chat:
        chat.first_lines()
        assert "ann: I stay" in talk(project, chat.url, "").stdout
        assert chat.interrupt(signal.SIGINT)[0] == 0


@posix
@pytest.mark.usefixtures("mongod")
def test_two_chats_cannot_share_one_database_folder(project: Path) -> None:
    with running(project, "5", "--mongo") as chat:
        chat.first_lines()
        refuses(tutorial(project, "run", "5", "--mongo"), "stop it first", 1)
        assert chat.interrupt(signal.SIGINT)[0] == 0


# --- talk, to the steps --------------------------------------------------------------------


def talk(project: Path, url: str, typed: str) -> subprocess.CompletedProcess[str]:
    """Talk as ann, with a password in case it is asked for, and type some lines."""
    command = [sys.executable, "-m", "tools", "talk", url, "--name", "ann"]
    return subprocess.run(
        [*command, "--password", "correct horse"],
        cwd=project,
        env=environment(),
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("step", WITH_SOCKET, ids=lambda step: step.name)
def test_talk_works_with_every_step_that_has_a_socket(project: Path, step: Step) -> None:
    with running(project, step.name) as chat:
        chat.first_lines()
        for time in ("first", "second"):  # the second time the name is known
            done = talk(project, chat.url, f"for the {time} time\nGrüße 👋\n")
            assert done.returncode == 0, done.stdout
            assert re.search(rf"^\d\d:\d\d ann: for the {time} time$", done.stdout, re.MULTILINE)
            assert "ann: Grüße 👋" in done.stdout
            assert "lost" not in done.stdout


def test_talk_to_a_step_without_a_socket_says_which_has_one(project: Path) -> None:
    with running(project, "2") as chat:
        chat.first_lines()
        refuses(tutorial(project, "talk", chat.url, "--name", "ann"), "step 3 has one", 1)


def test_talk_to_nobody_says_how_to_start_a_chat(project: Path) -> None:
    done = tutorial(project, "talk", f"127.0.0.1:{free_port()}", "--name", "ann")
    refuses(done, "start a chat with: ", 1)


def test_talk_needs_a_name_where_it_cannot_ask(project: Path) -> None:
    refuses(tutorial(project, "talk"), "--name", 2)


def test_what_others_say_cannot_control_the_terminal() -> None:
    assert clean("a\x1b[31mb\x07\x9b\u202ec\nd\te") == "a[31mbc d e"


# --- talk, to a chat that misbehaves -------------------------------------------------------

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOGIN = "<form method=post><input name=login></form>"


def message(number: int, text: str, **more: str) -> dict[str, object]:
    at = "2026-11-20T12:00:00+00:00"
    return {"type": "message", "id": number, "user": "ann", "text": text, "at": at} | more


async def see_other(request: web.Request) -> web.Response:
    return web.Response(status=303, headers={"Location": "/"})


async def login_page(request: web.Request) -> web.Response:
    return web.Response(text=LOGIN, content_type="text/html")


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Start a tiny chat out of a socket's handler and other routes; return its address."""
    servers: list[TestServer] = []

    async def start(socket_handler: Handler, *routes: web.RouteDef) -> str:
        app = web.Application()
        app.add_routes([*routes, web.get("/ws", socket_handler)])
        app.add_routes([web.get("/login", login_page), web.post("/login", see_other)])
        servers.append(TestServer(app))
        await servers[-1].start_server()
        return str(servers[-1].make_url("/"))

    yield start
    for server in servers:
        await server.close()


async def talk_here(url: str, typed: str, *options: str) -> tuple[int, str]:
    """Talk as ann, without stopping the server that runs in this process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools", "talk", url, "--name", "ann", *options),
        cwd=ROOT,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(typed.encode()), 60)
    except TimeoutError:
        process.kill()
        raise
    return await process.wait(), output.decode()


async def test_a_history_that_is_none_does_not_end_the_talk(
    serve: Callable[..., Awaitable[str]],
) -> None:
    async def silent(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.receive()
        return ws

    async def history(request: web.Request) -> web.Response:
        return web.json_response(["no", "messages"])

    code, output = await talk_here(await serve(silent, web.get("/history", history)), "")
    assert output == '?? no history of this chat: ["no", "messages"]\n'
    assert code == 0


async def test_a_message_that_was_cut_off_is_sent_again_with_the_same_id(
    serve: Callable[..., Awaitable[str]],
) -> None:
    connections: list[tuple[str | None, str]] = []

    async def forgetful(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        event = await ws.receive_json(timeout=30)
        connections.append((request.query.get("after"), event["client_id"]))
        if len(connections) == 1:
            await ws.send_json(message(7, "something else", client_id="of another tab"))
        else:
            await ws.send_json(message(8, event["text"], client_id=event["client_id"]))
            await ws.receive(timeout=30)
        return ws

    code, output = await talk_here(await serve(forgetful), "hello\n")
    assert code == 0, output
    assert [after for after, _ in connections] == [None, "7"]
    assert len({client_id for _, client_id in connections}) == 1
    assert output.count("ann: hello") == 1


async def test_a_message_that_comes_again_is_shown_once(
    serve: Callable[..., Awaitable[str]],
) -> None:
    async def repeating(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sent = await ws.receive_json(timeout=30)
        await ws.send_json(message(7, sent["text"], client_id=sent["client_id"]))
        await ws.send_json(message(7, sent["text"], client_id=sent["client_id"]))
        await ws.send_json(message(8, "the end", client_id="another"))
        await ws.receive(timeout=30)
        return ws

    code, output = await talk_here(await serve(repeating), "hello\n")
    assert code == 0, output
    assert output.count("ann: hello") == 1


async def test_a_frame_may_hold_several_events(serve: Callable[..., Awaitable[str]]) -> None:
    async def batching(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sent = await ws.receive_json(timeout=30)
        events = [message(1, "one\x1b[2J"), message(2, sent["text"], client_id=sent["client_id"])]
        await ws.send_str(json.dumps(events))
        await ws.receive(timeout=30)
        return ws

    code, output = await talk_here(await serve(batching), "two\n")
    assert code == 0, output
    assert output.index("ann: one[2J\n") < output.index("ann: two\n")


async def test_what_is_no_event_is_shown_and_does_no_harm(
    serve: Callable[..., Awaitable[str]],
) -> None:
    async def confused(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sent = await ws.receive_json(timeout=30)
        for odd in ("hello?", "42", '{"type": "message"}', "[[]]", "null"):
            await ws.send_str(odd)
        await ws.send_json(message(1, sent["text"], client_id=sent["client_id"]))
        await ws.receive(timeout=30)
        return ws

    code, output = await talk_here(await serve(confused), "still here\n")
    assert code == 0, output
    assert output.count("?? no event of this chat") == 5
    assert "ann: still here" in output


async def test_a_refused_message_shows_the_reason(serve: Callable[..., Awaitable[str]]) -> None:
    async def strict(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sent = await ws.receive_json(timeout=30)
        error = {"type": "error", "reason": "Not so loud.", "client_id": sent["client_id"]}
        await ws.send_json(error)
        await ws.receive(timeout=30)
        return ws

    assert await talk_here(await serve(strict), "HELLO\n") == (0, "!! Not so loud.\n")


async def test_a_message_that_nobody_acknowledges_is_reported(
    serve: Callable[..., Awaitable[str]],
) -> None:
    async def silent(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        while (await ws.receive(timeout=LAST_WORDS + 30)).type is WSMsgType.TEXT:
            continue
        return ws

    assert await talk_here(await serve(silent), "hello?\n") == (1, "!! not acknowledged: 1\n")


async def test_a_session_that_ends_ends_the_talk(serve: Callable[..., Awaitable[str]]) -> None:
    async def ending(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.receive(timeout=30)
        await ws.close(code=1008)
        return ws

    code, output = await talk_here(await serve(ending), "hello\n")
    assert code == 1
    assert "sign in again" in output
    assert "Traceback" not in output


async def test_a_name_of_somebody_else_is_refused_in_words(
    serve: Callable[..., Awaitable[str]],
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=403 if request.path == "/login" else 409)

    url = await serve(see_other, web.post("/login", refuse), web.post("/signup", refuse))
    code, output = await talk_here(url, "hello\n")
    assert (code, output) == (1, "ann belongs to somebody else: choose another --name.\n")


async def test_a_password_is_needed_where_the_chat_asks_for_one(
    serve: Callable[..., Awaitable[str]],
) -> None:
    async def with_password(request: web.Request) -> web.Response:
        return web.Response(text='<input name="password" type="password">')

    url = await serve(see_other, web.get("/login", with_password))
    code, output = await talk_here(url, "hello\n")
    assert code == 2
    assert "--password" in output
