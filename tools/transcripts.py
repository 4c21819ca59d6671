"""Type what the chapters type into terminals, and compare: `python -m tools.transcripts [STEP…]`.

Each chapter is gone through from its first line: listings are typed into a folder, what is tried
for a moment is tried, and each console block runs in the terminal that its title names. `...`
stands for any text in a line, and for any lines when it stands alone; `⏎` ends a line that is
typed into a running program, and `^C` stops it. `check` is not run again: weave compares its sum.
"""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tools.chapter import COMMAND, Attempt, Listing, PutBack, Session
from tools.mongod import free_port
from tools.paths import FOLDER, ROOT
from tools.problem import Problem
from tools.replay import Project
from tools.weave import Weave, weaves

PORT = "8080"
PATIENCE = 60.0  # seconds until a line that does not come is missing

ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
    "PYTHONUNBUFFERED": "1",
    "COLUMNS": "100",
    "NO_COLOR": "1",
}

DOOR = "python3 tutorial.py "
STAYS = ("python -m aiochat", DOOR + "run", DOOR + "talk", "honcho start")
ENTER, CTRL_C = "⏎", "^C"

# What is different each time, and what stands for it in the comparison.
VARYING = (
    (r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]", "[DATE]"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d{3})?(\+00:00)?", "DATE"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "DATE"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "TIME"),
    (r"\b\d+\.\d+ (m?s)\b", r"N \1"),
    (r"\b[0-9a-f]{8,}\b", "ID"),
    (r"\b\d{13}\b", "ID"),
    (r"Python/3\.\d+ aiohttp/\S+", "Python/3 aiohttp/3"),
    (r"127\.0\.0\.1:\d{5}\b", "127.0.0.1:PORT"),
)


class WrongError(Exception):
    """What a terminal said is not what the chapter says."""


class Terminal:
    """A terminal in which commands run, one after the other."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.process: subprocess.Popen[str] | None = None
        self.output: list[str] = []
        self.seen = 0  # how many lines of the output have been compared
        self.skip = False  # whether other lines may stand before the next
        self.more = threading.Condition()
        self.ended = True

    def start(self, command: str) -> None:
        """Run a command as the reader does."""
        self.stop()
        if command.startswith(("cd ", ". ")):  # `.` enters the environment that we are in already
            self.folder /= command[3:] if command.startswith("cd ") else ""
            command = "true"
        self.output, self.seen, self.skip, self.ended = [], 0, False, False
        self.process = subprocess.Popen(
            self.arguments(command),
            cwd=self.folder,
            env=os.environ | ENVIRONMENT | {"TUTORIAL_DATA": str(self.folder / ".data")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        threading.Thread(target=self.read, args=[self.process], daemon=True).start()

    def arguments(self, command: str) -> list[str]:
        """Return the words of a command, here and with our port."""
        words = shlex.split(command.replace(PORT, str(self.port)))
        if command.startswith(DOOR):
            words = [sys.executable, "-m", "tools", *words[2:]]
            if "talk" in words and not any("://" in word for word in words):
                words.append(f"http://127.0.0.1:{self.port}")
        elif words[0] == "curl":
            words.insert(1, "--no-progress-meter")  # as in a real terminal
        return words

    def read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        with process.stdout as output:
            for line in output:
                with self.more:
                    self.output.append(line.rstrip().replace(str(self.port), PORT))
                    self.more.notify()
        process.wait()
        with self.more:
            self.ended = True
            self.more.notify()

    def type(self, text: str) -> None:
        """Type a line into the program that runs."""
        if self.process is None or self.process.stdin is None or self.ended:
            raise WrongError(f"nothing runs that {text!r} could be typed into")
        try:
            self.process.stdin.write(text + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise WrongError(f"it has ended before {text!r} was typed") from None

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        if self.process is None or self.ended:
            raise WrongError("nothing runs that Ctrl-C could stop")
        self.process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """End whatever runs."""
        if self.process is None:
            return
        if not self.ended:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        with self.more:
            self.more.wait_for(lambda: self.ended, PATIENCE)
        self.process = None

    def expect(self, line: str) -> None:
        """Wait for a line. Raises WrongError."""
        deadline = time.monotonic() + PATIENCE
        with self.more:
            while True:
                while self.seen < len(self.output):
                    found = self.output[self.seen]
                    self.seen += 1
                    if is_like(line, found):
                        self.skip = False
                        return
                    if not self.skip:
                        raise WrongError(f"expected {line!r}, found {found!r}")
                rest = deadline - time.monotonic()
                if self.ended or not self.more.wait_for(self.has_more, rest):
                    raise WrongError(f"expected {line!r}, found nothing more")

    def has_more(self) -> bool:
        return self.ended or self.seen < len(self.output)

    def expect_end(self) -> None:
        """Wait until the program ends; all that it said must have been expected.

        Raises WrongError.
        """
        with self.more:
            if not self.more.wait_for(lambda: self.ended, PATIENCE):
                raise WrongError("it does not end")
            if self.seen < len(self.output) and not self.skip:
                raise WrongError(f"found {self.output[self.seen]!r}, too")


def is_like(expected: str, found: str) -> bool:
    """Whether a line is what the chapter says, but for what is different each time."""
    pattern = re.escape(alike(expected)).replace(re.escape("..."), ".*")
    pattern = re.sub(r"\b(\d+)(?=\\ s\b)", seconds_or_more, pattern)
    return re.fullmatch(pattern, alike(found)) is not None


def seconds_or_more(found: re.Match[str]) -> str:
    """Return a pattern for so many whole seconds, or a few more on a busy machine."""
    seconds = int(found[1])
    return f"({'|'.join(map(str, range(seconds, seconds + seconds // 5 + 2)))})"


def alike(line: str) -> str:
    line = line.rstrip()
    for pattern, stand_in in VARYING:
        line = re.sub(pattern, stand_in, line)
    return line


class Reader:
    """Somebody who does all that a chapter says."""

    def __init__(self, weave: Weave, folder: Path) -> None:
        self.weave = weave
        self.folder = folder
        self.port = free_port()
        self.terminals: dict[str, Terminal] = {}
        self.tried: dict[str, list[str]] = {}

    def read(self) -> list[str]:
        """Go through the chapter; return what was not as it says."""
        wrong = []
        try:
            for part in self.weave.chapter.parts:
                if isinstance(part, Listing):
                    list(self.weave.read_listing(part))
                    self.tried.pop(part.path, None)
                elif isinstance(part, Attempt):
                    files = self.weave.project.files
                    lines = files[part.path].lines() if part.path in files else []
                    self.tried[part.path] = part.apply(lines)
                elif isinstance(part, PutBack):
                    self.tried.clear()
                elif isinstance(part, Session):
                    self.save()
                    try:
                        self.run(part)
                    except WrongError as error:
                        terminal = self.terminals[part.terminal]
                        said = "\n    ".join(["It said:", *terminal.output])
                        place = f"{self.weave.chapter.path.name}:{part.line}"
                        wrong.append(f"{place}: {error}\n    {said}")
        finally:
            for terminal in self.terminals.values():
                terminal.stop()
        return wrong

    def save(self) -> None:
        """Write the reader's files as they are now."""
        project: Project = self.weave.project
        folder = self.folder / FOLDER
        given = self.weave.given()
        for path, file in project.files.items():
            lines = self.tried.get(path) or (file.new if path in given else file.lines())
            if lines:
                write(folder / path, lines, self.port)
            else:
                (folder / path).unlink(missing_ok=True)
        for path in self.tried.keys() - project.files.keys():
            write(folder / path, self.tried[path], self.port)

    def run(self, session: Session) -> None:
        """Type a block's commands and compare what they answer. Raises WrongError."""
        terminal = self.terminals.setdefault(session.terminal, Terminal(self.folder, self.port))
        stays = True
        for line in session.lines:
            if line.startswith(COMMAND):
                if not stays:
                    terminal.expect_end()
                command = line.removeprefix(COMMAND)
                if command.startswith(DOOR + "check"):
                    return  # it runs the step's tests, as the tests do
                stays = command.startswith(STAYS)
                terminal.start(command)
            elif line == "...":
                terminal.skip = True
            elif line.endswith(ENTER):
                terminal.type(line.removesuffix(ENTER).rstrip())
            elif line == CTRL_C:
                terminal.interrupt()
                stays = False
            else:
                terminal.expect(line)
        if not stays:
            terminal.expect_end()


def write(path: Path, lines: list[str], port: int) -> None:
    text = "".join(f"{line}\n" for line in lines).replace(PORT, str(port))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def follow(weave: Weave) -> list[str]:
    """Do what a chapter says, in an empty folder; return what was not as it says."""
    with tempfile.TemporaryDirectory() as folder:
        return Reader(weave, Path(folder)).read()


def main(arguments: list[str]) -> int:
    """Follow the chapters; return 0 if all is as they say."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.transcripts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("steps", nargs="*", metavar="STEP")
    try:
        chapters = weaves(parser.parse_args(arguments).steps)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    wrong = []
    for weave in chapters:
        print(f"{weave.name} ...", flush=True)
        wrong += follow(weave)
    print("\n".join(wrong) or "The terminals say what the chapters say.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
