"""The steps of the tutorial: the one place that lists them."""

from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

from tools.paths import STEPS
from tools.problem import Problem

FIRST_WITH_SOCKET = 3
FIRST_WITH_DATABASE = 5


@dataclass(frozen=True)
class Step:
    """One step: a whole project folder under `steps/`, and a chapter of the same name."""

    name: str  # as its folder and its chapter are called, such as "05_database"
    title: str  # one line: what is there to see when it is done
    minutes: int  # to work through its chapter, about

    @property
    def number(self) -> int:
        return int(self.name.partition("_")[0])

    @property
    def folder(self) -> Path:
        return STEPS / self.name

    @property
    def chapter(self) -> str:
        """The path of the chapter from the root of the project."""
        return f"docs/{self.name}.md"

    @property
    def has_socket(self) -> bool:
        return self.number >= FIRST_WITH_SOCKET

    @property
    def has_database(self) -> bool:
        return self.number >= FIRST_WITH_DATABASE


ALL = (
    Step("01_hello", "a page that says hello while another request waits", 15),
    Step("02_routes", "greetings by name, and links built from route names", 20),
    Step("03_views", "two windows chat over a WebSocket", 65),
    Step("04_middlewares", "a log, one error page, and strangers sent to /login", 45),
    Step("05_database", "history that survives, missed messages that arrive", 70),
    Step("06_templates", "a real page in the browser", 35),
    Step("07_sessions", "passwords: nobody else can be you", 55),
    Step("08_static", "a chat that looks good and reconnects by itself", 60),
    Step("09_heroku", "the chat on the internet", 50),
)


def find_step(text: str) -> Step:
    """Return the step that somebody means by `9`, `09`, `heroku` or `09_heroku`.

    Raises Problem, with what was probably meant and the list, when there is no such step.
    """
    if step := match_step(text):
        return step
    raise no_such_step(text)


def no_such_step(text: str) -> Problem:
    return Problem(f"There is no step {text!r}.{suggestion(text)} The steps are:\n{listing()}", 2)


def match_step(text: str) -> Step | None:
    for step in ALL:
        number, _, word = step.name.partition("_")
        if text.lower() in (step.name, word, number, str(step.number)):
            return step
    return None


def suggestion(text: str) -> str:
    """Return " Did you mean …?" for a step that is spelt much like `text`, or nothing."""
    words = {word: step.name for step in ALL for word in (step.name, step.name[3:])}
    close = get_close_matches(text.lower(), words, n=1)
    return f" Did you mean {words[close[0]]}?" if close else ""


def listing() -> str:
    return "\n".join(f"  {step.name:<16} {step.title}" for step in ALL)


def step_before(step: Step) -> Step | None:
    """Return the step that this one grows from, or None for the first."""
    return next((before for before, after in pairwise(ALL) if after == step), None)


def whole_path(path: Path) -> Path:
    """Return the path from the root. Raises Problem for a `~name` that nobody has."""
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise Problem(f"There is no folder {path}: {error}", 2) from error


def find_folder(text: str) -> Path:
    """Return the project folder that somebody means: a step's, or a folder of their own.

    Raises Problem when `text` is neither.
    """
    if step := match_step(text):
        return step.folder
    folder = whole_path(Path(text))
    if not folder.exists():
        raise no_such_step(text)
    if not (folder / "aiochat").is_dir():
        raise Problem(f"{text} holds no chat: there is no folder named aiochat in it.", 2)
    return folder
