"""What a benchmark is: how it is measured, and how its results are shown."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.lab import Lab


@dataclass(frozen=True)
class Column:
    """What stands in one column of a table."""

    heading: str
    case: str
    figure: str


@dataclass(frozen=True)
class Table:
    """A row for each contender, with one event loop; who has none is in the tables of all."""

    title: str
    loop: str
    columns: tuple[Column, ...]
    unit: str  # of the absolute figures: a key of report.UNITS
    ours: str = "step03"  # whom the ratios are to; "" if there are none
    about: str = ""  # what it shows, if the benchmark's own words do not say it


@dataclass(frozen=True)
class Plot:
    """Bars for one figure of one case, with both event loops."""

    title: str
    case: str
    figure: str
    unit: str


@dataclass(frozen=True)
class Benchmark:
    """Something that is measured in one go."""

    name: str
    title: str
    about: str  # how it is measured: a paragraph for the page
    measure: Callable[[Lab], None]  # one repetition
    repeat: int  # times, if nobody says otherwise
    titles: dict[str, str]  # the contenders, in the order of the rows
    tables: tuple[Table, ...]
    plots: tuple[Plot, ...] = ()
