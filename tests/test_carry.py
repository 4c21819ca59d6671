"""`tools.carry` brings a fix made in one step into all later steps."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import missing
from tools.carry import carry, main
from tools.problem import Problem

STEPS = ("01_one", "02_two", "03_three")
COMMON = [f"line {number}\n" for number in range(1, 10)]


class Tutorial:
    """A small tutorial in a git repository of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *args: str) -> str:
        """Run git in the repository and return what it prints."""
        command = ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost", *args]
        done = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout

    def commit(self) -> None:
        """Commit everything as it is now."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a commit")

    def write(self, step: str, path: str, content: str | bytes) -> None:
        """Write one file of a step."""
        file = self.root / "steps" / step / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, step: str, path: str) -> str:
        """Return one file of a step."""
        return (self.root / "steps" / step / path).read_text(encoding="utf-8")

    def edit(self, step: str, path: str, old: str, new: str) -> None:
        """Replace a piece of one file of a step."""
        content = self.read(step, path)
        assert old in content
        self.write(step, path, content.replace(old, new))

    def files(self) -> dict[str, bytes]:
        """Return every file of every step, to compare two moments."""
        found = (path for path in self.root.glob("steps/**/*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in found}

    def carry(self, first: str, since: str = "HEAD") -> None:
        """Carry what differs in a step since a commit into the later steps."""
        carry([self.root / "steps" / step for step in STEPS[STEPS.index(first) :]], since)


@pytest.fixture
def tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tutorial:
    """Three committed steps whose app.py grows at its end, as a step's files do."""
    if shutil.which("git") is None:
        missing("no git: install it to test tools/carry.py")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)  # set when the tests run from a git hook
    tutorial = Tutorial(tmp_path)
    tutorial.git("init", "--quiet")
    tutorial.git("config", "core.autocrlf", "false")
    (tmp_path / ".gitignore").write_text("*.pyc\n", encoding="utf-8", newline="\n")
    for number, step in enumerate(STEPS):
        own = [f"from {earlier}\n" for earlier in STEPS[: number + 1]]
        tutorial.write(step, "aiochat/app.py", "".join(COMMON + own))
        tutorial.write(step, "aiochat/chat/hub.py", "".join(COMMON + own))
    tutorial.commit()
    return tutorial


def test_a_fix_reaches_every_later_step_and_leaves_their_own_lines_alone(
    tutorial: Tutorial,
) -> None:
    tutorial.edit("01_one", "aiochat/app.py", "line 2\n", "line two\n")

    tutorial.carry("01_one")

    for step in STEPS[1:]:
        content = tutorial.read(step, "aiochat/app.py")
        assert "line two\n" in content
        assert "line 2\n" not in content
        assert content.endswith(f"from {step}\n")


def test_earlier_steps_are_left_alone(tutorial: Tutorial) -> None:
    tutorial.edit("02_two", "aiochat/app.py", "line 2\n", "line two\n")

    tutorial.carry("02_two")

    assert "line 2\n" in tutorial.read("01_one", "aiochat/app.py")
    assert "line two\n" in tutorial.read("03_three", "aiochat/app.py")


def test_a_second_run_changes_nothing_and_says_so(
    tutorial: Tutorial, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in STEPS:
        tutorial.write(step, "aiochat/old.py", "old\n")
    tutorial.commit()
    tutorial.edit("01_one", "aiochat/app.py", "line 2\n", "line two\n")
    tutorial.write("01_one", "aiochat/new.py", "new\n")
    tutorial.git("rm", "--quiet", "steps/01_one/aiochat/old.py")
    tutorial.git("mv", "steps/01_one/aiochat/chat", "steps/01_one/aiochat/talk")
    tutorial.carry("01_one")
    once = tutorial.files()
    capsys.readouterr()

    tutorial.carry("01_one")

    assert tutorial.files() == once
    assert capsys.readouterr().out == "02_two: nothing to do\n03_three: nothing to do\n"


def test_a_second_run_changes_nothing_among_repeated_lines(tutorial: Tutorial) -> None:
    # git takes one "b" out of these lines each time it merges the change.
    for step, lines in zip(STEPS, ("ccddabbb", "cdbbb", "cdbbb"), strict=True):
        tutorial.write(step, "aiochat/app.py", "\n".join(lines) + "\n")
    tutorial.commit()
    tutorial.write("01_one", "aiochat/app.py", "\n".join("ccddabb") + "\n")
    tutorial.carry("01_one")
    once = tutorial.files()

    tutorial.carry("01_one")

    assert tutorial.files() == once
    assert tutorial.read("03_three", "aiochat/app.py") == "\n".join("cdbb") + "\n"


def test_staged_and_committed_work_is_left_as_it_was(tutorial: Tutorial) -> None:
    tutorial.edit("01_one", "aiochat/app.py", "line 2\n", "line two\n")
    tutorial.git("add", "--all")
    tutorial.write("01_one", "aiochat/new.py", "new\n")
    staged, head = tutorial.git("diff", "--cached"), tutorial.git("rev-parse", "HEAD")

    tutorial.carry("01_one")

    assert tutorial.git("diff", "--cached") == staged
    assert tutorial.git("rev-parse", "HEAD") == head


def test_a_committed_fix_is_carried_since_the_commit_before_it(tutorial: Tutorial) -> None:
    tutorial.edit("01_one", "aiochat/app.py", "line 2\n", "line two\n")
    tutorial.commit()

    tutorial.carry("01_one", "HEAD~1")

    assert "line two\n" in tutorial.read("03_three", "aiochat/app.py")


def test_new_files_are_added_unless_git_ignores_them(tutorial: Tutorial) -> None:
    tutorial.write("01_one", "aiochat/auth/new.py", "new\n")
    tutorial.write("01_one", "aiochat/auth/new.pyc", "compiled")
    tutorial.write("01_one", "aiochat/auth/__init__.py", "")

    tutorial.carry("01_one")

    for step in STEPS[1:]:
        assert tutorial.read(step, "aiochat/auth/new.py") == "new\n"
        assert tutorial.read(step, "aiochat/auth/__init__.py") == ""
        assert not (tutorial.root / "steps" / step / "aiochat/auth/new.pyc").exists()


def test_a_deleted_file_is_deleted_where_it_is_the_same(tutorial: Tutorial) -> None:
    for step in STEPS:
        tutorial.write(step, "aiochat/old/old.py", "old\n")
    tutorial.commit()
    tutorial.git("rm", "--quiet", "steps/01_one/aiochat/old/old.py")

    tutorial.carry("01_one")

    for step in STEPS[1:]:
        assert not (tutorial.root / "steps" / step / "aiochat/old").exists()


def test_a_file_deleted_in_one_step_but_different_in_the_next_is_a_conflict(
    tutorial: Tutorial, capsys: pytest.CaptureFixture[str]
) -> None:
    tutorial.git("rm", "--quiet", "steps/01_one/aiochat/app.py")
    before = tutorial.files()

    with pytest.raises(Problem, match="Stopped at a conflict"):
        tutorial.carry("01_one")

    assert tutorial.files() == before
    assert "02_two: aiochat/app.py: conflict: 01_one deletes it" in capsys.readouterr().out


def test_a_renamed_folder_is_renamed_and_each_step_keeps_its_own_lines(tutorial: Tutorial) -> None:
    tutorial.git("mv", "steps/01_one/aiochat/chat", "steps/01_one/aiochat/talk")
    tutorial.edit("01_one", "aiochat/talk/hub.py", "line 2\n", "line two\n")

    tutorial.carry("01_one")

    for step in STEPS[1:]:
        assert not (tutorial.root / "steps" / step / "aiochat/chat").exists()
        content = tutorial.read(step, "aiochat/talk/hub.py")
        assert "line two\n" in content
        assert content.endswith(f"from {step}\n")


def test_a_rename_never_overwrites_a_file_of_a_later_step(tutorial: Tutorial) -> None:
    tutorial.write("02_two", "aiochat/talk.py", "its own\n")
    tutorial.commit()
    tutorial.git("mv", "steps/01_one/aiochat/app.py", "steps/01_one/aiochat/talk.py")

    with pytest.raises(Problem, match="Stopped at a conflict"):
        tutorial.carry("01_one")

    assert tutorial.read("02_two", "aiochat/talk.py") == "its own\n"
    assert tutorial.read("02_two", "aiochat/app.py").endswith("from 02_two\n")


def test_a_step_without_the_file_is_skipped_in_words(
    tutorial: Tutorial, capsys: pytest.CaptureFixture[str]
) -> None:
    tutorial.git("rm", "--quiet", "steps/02_two/aiochat/app.py", "steps/03_three/aiochat/app.py")
    tutorial.commit()
    tutorial.edit("01_one", "aiochat/app.py", "line 2\n", "line two\n")

    tutorial.carry("01_one")

    assert "02_two: aiochat/app.py: skipped" in capsys.readouterr().out
    assert not (tutorial.root / "steps/02_two/aiochat/app.py").exists()


def conflict(tutorial: Tutorial) -> None:
    """Make a change in step 1 that step 2 cannot take."""
    tutorial.edit("02_two", "aiochat/app.py", "line 2\n", "line 2, as in step 2\n")
    tutorial.edit("03_three", "aiochat/app.py", "line 2\n", "line 2, as in step 2\n")
    tutorial.commit()
    tutorial.edit("01_one", "aiochat/app.py", "line 2\n", "line two\n")


def test_a_conflict_stops_at_its_step_and_says_what_to_do(
    tutorial: Tutorial, capsys: pytest.CaptureFixture[str]
) -> None:
    conflict(tutorial)
    third = tutorial.read("03_three", "aiochat/app.py")

    with pytest.raises(Problem) as stop:
        tutorial.carry("01_one")

    assert str(stop.value) == (
        "Stopped at a conflict: settle it in steps/02_two, then run: python -m tools.carry 02_two"
    )
    assert "02_two: aiochat/app.py: conflict" in capsys.readouterr().out
    content = tutorial.read("02_two", "aiochat/app.py")
    assert "<<<<<<< 02_two\nline 2, as in step 2\n" in content
    assert "line two\n>>>>>>> 01_one\n" in content
    assert tutorial.read("03_three", "aiochat/app.py") == third


@pytest.mark.parametrize("step", ["01_one", "02_two"])
def test_nothing_happens_while_conflict_markers_are_left(tutorial: Tutorial, step: str) -> None:
    conflict(tutorial)
    with pytest.raises(Problem, match="Stopped at a conflict"):
        tutorial.carry("01_one")
    before = tutorial.files()

    with pytest.raises(Problem, match=r"02_two.* still has conflict markers"):
        tutorial.carry(step)

    assert tutorial.files() == before


def test_a_settled_conflict_goes_on_to_the_next_step(tutorial: Tutorial) -> None:
    conflict(tutorial)
    with pytest.raises(Problem, match="Stopped at a conflict"):
        tutorial.carry("01_one")
    settled = "".join(COMMON).replace("line 2\n", "line two, as in step 2\n")
    tutorial.write("02_two", "aiochat/app.py", settled + "from 01_one\nfrom 02_two\n")

    tutorial.carry("02_two")

    third = tutorial.read("03_three", "aiochat/app.py")
    assert third == settled + "from 01_one\nfrom 02_two\nfrom 03_three\n"


def test_a_picture_is_copied_where_it_is_the_same_and_never_mixed(
    tutorial: Tutorial, capsys: pytest.CaptureFixture[str]
) -> None:
    for step, picture in zip(STEPS, (b"\0one", b"\0one", b"\0three"), strict=True):
        tutorial.write(step, "icon.png", picture)
    tutorial.commit()
    tutorial.write("01_one", "icon.png", b"\0new")

    with pytest.raises(Problem, match="Stopped at a conflict"):
        tutorial.carry("01_one")

    assert tutorial.files()["steps/02_two/icon.png"] == b"\0new"
    assert tutorial.files()["steps/03_three/icon.png"] == b"\0three"
    assert "03_three: icon.png: conflict" in capsys.readouterr().out


def test_a_conflict_in_the_last_step_is_the_end(tutorial: Tutorial) -> None:
    conflict(tutorial)

    with pytest.raises(Problem, match=r"^Stopped at a conflict: settle it in steps/03_three\.$"):
        carry([tutorial.root / "steps/01_one", tutorial.root / "steps/03_three"], "HEAD")


def test_the_last_step_has_nowhere_to_carry_to(tutorial: Tutorial) -> None:
    with pytest.raises(Problem, match="no later step"):
        tutorial.carry("03_three")


def test_an_unknown_commit_is_refused(tutorial: Tutorial) -> None:
    with pytest.raises(Problem, match="There is no commit nowhere to compare with"):
        tutorial.carry("01_one", since="nowhere")


def test_a_step_that_was_never_committed_is_refused_before_anything_changes(
    tutorial: Tutorial,
) -> None:
    tutorial.git("rm", "-r", "--quiet", "--cached", "steps/02_two")
    tutorial.git("commit", "--quiet", "--message", "without the second step")
    tutorial.edit("01_one", "aiochat/app.py", "line 2\n", "line two\n")
    before = tutorial.files()

    with pytest.raises(Problem, match="02_two is not in HEAD"):
        tutorial.carry("01_one")

    assert tutorial.files() == before


def test_the_command_line_answers_a_mistake_with_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["nonsense"]) == 2
    assert capsys.readouterr().err.startswith("There is no step 'nonsense'.")
