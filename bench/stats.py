"""The arithmetic: medians, ranges, ratios, and which runs are to be believed."""

import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass

# A generator that is this busy, while the server is less so, is what was measured.
BUSY = 0.9

# So many cores' worth of work by others while the load generator ran (connecting and warming up,
# too), and the figures are theirs as well.
MUCH_WORK = 0.1

# What a range is widened by, on both sides, before we promise that others will be within it.
SLACK = 0.1

LIMITED = "limited by the load"
DISTURBED = "disturbed by others"
STOPPED = "stopped: nothing came for ten seconds"
MISSING = "messages were missing"


@dataclass(frozen=True)
class Summary:
    """What several repetitions have found."""

    median: float
    low: float
    high: float
    count: int

    def holds(self, value: float) -> bool:
        """Say whether a value lies within the range."""
        return self.low <= value <= self.high

    def stated(self) -> "Summary":
        """Return it with the range in which we say that another run will find it.

        Few repetitions do not meet the extremes: of two runs alike, with three repetitions each,
        two in five medians are outside of what the other run has seen.
        """
        low, high = self.low - SLACK * abs(self.low), self.high + SLACK * abs(self.high)
        return Summary(self.median, low, high, self.count)


def summarize(values: Collection[float]) -> Summary | None:
    """Return the median and the range, or None if there is nothing to summarize."""
    if not values:
        return None
    return Summary(statistics.median(values), min(values), max(values), len(values))


def ratios(over: Mapping[int, float], under: Mapping[int, float]) -> list[float]:
    """Divide what was found in the same repetition; the keys are the repetitions.

    What disturbs one side of a ratio, such as a warm processor, disturbs the other as well.
    """
    both = sorted(over.keys() & under.keys())
    return [over[repetition] / under[repetition] for repetition in both if under[repetition]]


def marks(server_share: float, load_share: float, others: float, went_on: bool = True) -> list[str]:
    """Say what one must know before one believes a run.

    The shares are of one core: how much of the time the server and the load generator were busy;
    `others` is what the rest of the machine did meanwhile, in cores.
    """
    found = []
    if load_share > BUSY > server_share:
        found.append(LIMITED)
    if others > MUCH_WORK:
        found.append(DISTURBED)
    if not went_on:
        found.append(STOPPED)
    return found
