"""Bar charts as SVG that a page holds: they take its colours, light or dark, and fit a phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.stats import Summary
from bench.words import UNITS

# In units of the picture, of which a phone shows each as one pixel.
WIDTH = 340
LABELS = 14  # the height of a contender's name
BAR = 11
GAP = 9
FIGURES = 62  # the room to the right of the longest bar

INK = {"asyncio": "1", "uvloop": "0.55", "": "1"}
TEXT = 'fill="currentColor" font-size="11"'


@dataclass(frozen=True)
class Bar:
    """One bar: the median, and a line from the lowest to the highest."""

    label: str  # which event loop
    found: Summary
    signs: str = ""  # what is to be taken with care

    def figure(self, unit: str) -> str:
        return UNITS[unit](self.found.median) + self.signs


@dataclass(frozen=True)
class Group:
    """The bars of one contender."""

    label: str
    bars: Sequence[Bar]
    ours: bool = False


def draw(title: str, groups: Sequence[Group], unit: str) -> str:
    """Return a chart as a block of HTML."""
    highest = max((bar.found.high for group in groups for bar in group.bars), default=1) or 1
    scale = (WIDTH - FIGURES) / highest
    parts: list[str] = []
    y = 0
    for group in groups:
        y += LABELS
        weight = ' font-weight="700"' if group.ours else ""
        parts.append(f'<text x="0" y="{y - 3}" {TEXT}{weight}>{escape(group.label)}</text>')
        for bar in group.bars:
            parts += draw_bar(bar, y, scale, unit, group.ours)
            y += BAR + 1
        y += GAP
    return "\n".join(
        [
            '<figure class="plot" markdown="0" style="width: 100%; max-width: 560px">',
            f'<svg viewBox="0 0 {WIDTH} {y}" role="img"',
            f'  aria-label="{escape(describe(title, groups, unit))}"',
            '  xmlns="http://www.w3.org/2000/svg" '
            'style="width: 100%; height: auto; font-family: system-ui, sans-serif">',
            *parts,
            "</svg>",
            f"<figcaption>{escape(title)}{escape(legend(groups))}</figcaption>",
            "</figure>",
        ]
    )


def draw_bar(bar: Bar, y: int, scale: float, unit: str, ours: bool) -> list[str]:
    found = bar.found
    colour = "var(--chat-line, currentColor)" if ours else "currentColor"
    middle = y + BAR / 2
    end = found.high * scale
    figure = escape(bar.figure(unit))
    ink = float(INK[bar.label]) * (1 if ours else 0.55)
    return [
        f'<rect x="0" y="{y}" width="{max(found.median * scale, 0.5):.1f}" height="{BAR}" '
        f'fill="{colour}" opacity="{ink:.2f}"/>',
        f'<path d="M{found.low * scale:.1f} {middle}H{end:.1f}" stroke="currentColor"/>',
        f'<text x="{end + 4:.1f}" y="{y + BAR - 2}" {TEXT}>{figure}</text>',
    ]


def describe(title: str, groups: Sequence[Group], unit: str) -> str:
    """Say in words what the chart shows, for those who cannot see it."""
    found = [
        f"{group.label} {bar.label} {bar.figure(unit)}".replace("  ", " ")
        for group in groups
        for bar in group.bars
    ]
    return f"{title}: {'; '.join(found)}"


def legend(groups: Sequence[Group]) -> str:
    labels = {bar.label for group in groups for bar in group.bars}
    which = " The upper bar: asyncio; the lower: uvloop." if len(labels - {""}) > 1 else ""
    return f".{which} The line goes from the lowest to the highest."
