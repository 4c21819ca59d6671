"""An end to what blocks the event loop."""

import asyncio
import signal
from contextlib import suppress
from types import FrameType

INTERVAL = 4  # seconds between two looks at whether the event loop moves
RINGS = 3  # looks until it must have moved
PATIENT_RINGS = 20  # looks until a test must have ended


class TookTooLongError(Exception):
    """Something does not come to an end, and while it runs nothing else can."""


class Alarm:
    """Stops what blocks the event loop, by an error in the line that does; not on Windows."""

    def __init__(self) -> None:
        self.rings = self.still = 0  # of all looks, those since the loop last moved
        self.loop_moves = False
        self.has_struck = False

    def install(self) -> None:
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self.ring)

    def set(self) -> None:
        """Begin to look whether the loop moves."""
        if hasattr(signal, "setitimer"):
            self.rings, self.still, self.loop_moves = 0, 0, False
            signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)

    def turn_off(self) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def ring(self, number: int, frame: FrameType | None) -> None:
        """Strike when the loop does not move; when it does, be very patient."""
        self.rings += 1
        self.still = 0 if self.loop_moves else self.still + 1
        if self.still >= RINGS or self.rings >= PATIENT_RINGS:
            self.has_struck = True
            raise TookTooLongError("this does not end, and while it runs nobody is answered")
        self.loop_moves = False
        with suppress(RuntimeError):  # there is no loop while the code is loaded
            asyncio.get_running_loop().call_soon_threadsafe(self.see_that_it_moves)

    def see_that_it_moves(self) -> None:
        self.loop_moves = True


alarm = Alarm()
