"""The pictures show the steps as they are: `python -m tools.picture` takes them."""

import re

import pytest

from tools.paths import ROOT
from tools.picture import ALL_PICTURES, COLORS, PICTURES, Picture, read_states

AGAIN = "take it again with: python -m tools.picture"


@pytest.mark.parametrize("picture", ALL_PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_no_older_than_what_it_shows(picture: Picture) -> None:
    assert read_states().get(picture.name) == picture.state(), AGAIN
    assert [picture.path(colors) for colors in COLORS if not picture.path(colors).exists()] == []


def test_every_picture_is_taken_by_the_script_and_shown_somewhere() -> None:
    taken = {picture.path(colors).name for picture in ALL_PICTURES for colors in COLORS}
    assert {path.name for path in PICTURES.glob("*.png")} == taken
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    assert {name for text in texts for name in re.findall(r"images/([\w-]+\.png)", text)} == taken
