"""Figures in words, as tables and pictures show them."""

from collections.abc import Callable

from bench.stats import Summary


def three_digits(value: float) -> str:
    """Return a figure with three digits that count: 0.0412, 4.12, 412, 4,120."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2
    while abs(value) < 10 ** (2 - digits) and digits < 6:
        digits += 1
    return f"{value:.{digits - (abs(value) >= 10)}f}"


def compact(value: float) -> str:
    """Return a large figure in thousands (k) or millions (M)."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{three_digits(value / size)} {letter}"
    return three_digits(value)


def percent(value: float) -> str:
    return f"{value:.0%}"


# How an absolute figure of each unit is written.
UNITS: dict[str, Callable[[float], str]] = {
    "": compact,
    "times": three_digits,
    "µs": lambda value: f"{three_digits(value)} µs",
    "ms": lambda value: f"{three_digits(value)} ms",
    "s": lambda value: f"{three_digits(value)} s",
    "kB": lambda value: f"{three_digits(value)} kB",
    "per CPU second": compact,
    "per second": compact,
    "share": percent,
}


def with_range(found: Summary, unit: str) -> str:
    """Return the median and, of several repetitions, the lowest and the highest."""
    write = UNITS[unit]
    median = write(found.median)
    if found.count == 1:
        return median
    return f"{median} ({write(found.low)} to {write(found.high)})"


def plain(title: str) -> str:
    """Return a title without Markdown."""
    return title.replace("*", "").replace("`", "")
