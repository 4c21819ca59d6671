"""The exercises of chapter 2."""

import re

import pytest

from tests.conftest import Chat


@pytest.mark.exercise(1)
@pytest.mark.section("Exercises")
async def test_good_night_has_an_address_and_a_link(chat: Chat) -> None:
    """The page has a link that says good night, and /bye/Zoë says it to Zoë."""
    visitor = await chat.stranger()
    answer = await visitor.get("/bye/Zoë")
    assert answer.status == 200
    assert answer.text == "Good night, Zoë!\n"
    page = await visitor.get("/")
    assert 'href="/bye/World"' in page.text


@pytest.mark.exercise(2)
@pytest.mark.section("Exercises")
async def test_one_can_wait_for_up_to_59_seconds(chat: Chat) -> None:
    """/wait/59 has an address, and /wait/60 and /wait/007 have none."""
    visitor = await chat.stranger()
    route = chat.create_app().router["wait"]
    pattern = re.compile(str(route.get_info()["pattern"].pattern))
    assert pattern.fullmatch("/wait/59")
    assert (await visitor.get("/wait/0")).status == 200
    for path in ("/wait/60", "/wait/007", "/wait/100"):
        assert (await visitor.get(path)).status == 404


@pytest.mark.exercise(3)
@pytest.mark.section("Exercises")
async def test_the_page_links_to_whom_the_query_names(chat: Chat) -> None:
    """/?name=Zoë links to the greeting of Zoë, and / to that of the World."""
    visitor = await chat.stranger()
    assert 'href="/hello/Zo%C3%AB"' in (await visitor.get("/?name=Zo%C3%AB")).text
    assert 'href="/hello/World"' in (await visitor.get("/")).text
