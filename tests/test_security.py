"""SECURITY.md and docs/security/asvs.md name what exists, and every line of them has its proof."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tools.paths import ROOT
from tools.steps import find_step

SECURITY = ROOT / "SECURITY.md"
ASVS = ROOT / "docs" / "security" / "asvs.md"

FOLDER = find_step("9").folder
PLACES = [ROOT, FOLDER, FOLDER / "aiochat"]  # where the paths on the pages begin

# `auth/views.py::log_in` or `steps/09_heroku/Procfile`: a file and, perhaps, a name in it.
REFERENCE = re.compile(
    r"`((?:steps|tests|docs)/[\w./-]+|[\w/-]+\.(?:py|js|html|txt|md))(?:::(\w+))?`"
)

REQUIREMENT = re.compile(r"v5\.0\.0-(\d+)\.\d+\.\d+")

# How many requirements of level 1 each chapter of the ASVS 5.0.0 has.
LEVEL_1 = {1: 8, 2: 4, 3: 8, 4: 2, 5: 4, 6: 13, 7: 6, 8: 4, 9: 4, 10: 5, 11: 3, 12: 3}
LEVEL_1 |= {13: 1, 14: 2, 15: 3}


@cache
def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next; `heading` is how it begins."""
    _, found, below = text.partition(f"\n## {heading}")
    assert found, f"no section begins with {heading!r}"
    return below.partition("\n## ")[0]


def table(text: str) -> Iterator[list[str]]:
    """The rows of a table, without its titles."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


# --- what the pages name -----------------------------------------------------------------------


@cache
def names_in(path: Path) -> set[str]:
    """The functions, classes and constants that a file defines."""
    names = set()
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            # A test that holds up to an earlier step only proves nothing of the last.
            if not any("mark.until(" in ast.unparse(each) for each in node.decorator_list):
                names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def missing_references(text: str) -> list[str]:
    """What a page names and nobody can find."""
    references = REFERENCE.findall(text)
    named = sum(bool(name) for _, name in references)
    missing = [] if text.count("::") == named else ["a :: outside of a reference"]
    for path, name in references:
        file = next((place / path for place in PLACES if (place / path).exists()), None)
        if file is None or (name and name not in names_in(file)):
            missing.append(f"{path}::{name}" if name else path)
    return missing


def find_tests(cell: str) -> list[str]:
    return [name for _, name in REFERENCE.findall(cell) if name.startswith("test_")]


@pytest.mark.parametrize("page", [SECURITY, ASVS], ids=lambda page: page.name)
def test_all_that_the_page_names_exists(page: Path) -> None:
    assert missing_references(read(page)) == []


# --- the promises ------------------------------------------------------------------------------


def promises_without_a_test(text: str) -> list[str]:
    rows = table(section(text, "What the chat promises, "))
    return [row[0] for row in rows if not all(row) or not find_tests(row[-1])]


def test_every_promise_is_held_by_a_test() -> None:
    assert promises_without_a_test(read(SECURITY)) == []


# --- the requirements --------------------------------------------------------------------------


def requirements_without_proof(text: str) -> list[str]:
    """Requirements that have neither a test nor a reason why there is none."""
    return [
        row[0]
        for row in table(section(text, "The requirements"))
        if not all(row) or not (find_tests(row[-1]) or re.fullmatch("no test: .+", row[-1]))
    ]


def count_requirements(text: str) -> Counter[str]:
    """How often the page judges each requirement, or says that it does not apply."""
    judged = [row[0] for row in table(section(text, "The requirements"))]
    apply_not = re.findall(r"(?m)^- (v5.+?): .+", section(text, "What does not apply"))
    return Counter(judged + [number for each in apply_not for number in each.split(", ")])


def count_chapters(text: str) -> dict[int, int]:
    """How many requirements of each chapter are on the page; no number may come twice."""
    numbers = count_requirements(text)
    assert set(numbers.values()) == {1}, f"there twice: {numbers.most_common(1)}"
    matches = [REQUIREMENT.fullmatch(number) for number in numbers]
    return dict(Counter(int(match[1]) for match in matches if match))


def summary(text: str) -> str:
    """What the page should say of how much is met."""
    met = Counter(row[2] for row in table(section(text, "The requirements")))
    total = count_requirements(text).total()
    return (
        f"Of the {total} requirements of level 1, {met['yes']} are met, "
        f"{met['partly']} are met in part, {met['no']} are not met, "
        f"{met['host']} are for the host to meet, and {total - met.total()} do not apply."
    )


def test_every_requirement_has_a_test_or_a_reason() -> None:
    assert requirements_without_proof(read(ASVS)) == []


def test_no_requirement_of_level_1_is_left_out_or_there_twice() -> None:
    assert count_chapters(read(ASVS)) == LEVEL_1


def test_the_page_says_how_much_is_met() -> None:
    assert summary(read(ASVS)) in " ".join(read(ASVS).split())


# --- these looks themselves --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("`auth/views.py::log_in`", "`auth/views.py::gone`"),
        ("`auth/views.py::log_in`", "`auth/views::log_in`"),
        ("`static/js/chat.js`", "`static/js/gone.js`"),
        ("tests/test_06_templates.py::test_", "tests/gone.py::test_"),
        ("::test_strangers_get_no_socket", "::test_strangers_get_a_socket"),
        ("::test_strangers_get_no_socket", "::test_a_cookie_that_holds_no_name_is_a_stranger_s"),
    ],
)
def test_a_name_of_nothing_is_noticed(right: str, wrong: str) -> None:
    assert right in read(ASVS)
    assert missing_references(read(ASVS).replace(right, wrong)) != []


def test_a_line_without_proof_is_noticed() -> None:
    held = "`tests/test_03_views.py::test_everybody_sees_the_same_order`"
    for wrong in ("", "yes", "`tests/test_03_views.py`"):
        unheld = promises_without_a_test(read(SECURITY).replace(held, wrong))
        assert unheld == ["One order for everybody"]
    reason = "no test: there is nothing to call"
    for wrong in ("", "no test:", "none"):
        unproved = requirements_without_proof(read(ASVS).replace(reason, wrong))
        assert unproved == ["v5.0.0-1.2.5"]


def test_a_requirement_that_is_missing_is_noticed() -> None:
    assert count_chapters(read(ASVS).replace("| v5.0.0-6.2.1 |", "| v5.0.0-7.9.9 |")) != LEVEL_1
    assert count_chapters(read(ASVS).replace("- v5.0.0-1.5.1: ", "- ")) != LEVEL_1
    with pytest.raises(AssertionError, match="there twice"):
        count_chapters(read(ASVS).replace("| v5.0.0-6.2.1 |", "| v5.0.0-6.2.2 |"))
    assert summary(read(ASVS).replace("| no |", "| yes |")) != summary(read(ASVS))
