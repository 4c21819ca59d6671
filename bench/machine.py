"""The machine: what it is, which of its cores we use, and what else it does meanwhile."""

import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tools.problem import Problem

if sys.platform != "win32":  # where the page is made, too, but nothing is measured
    import resource

LOOK = 0.2  # seconds
QUIET = 0.2  # cores that others may use when a run begins

MIN_FILES = 12_000  # sockets: 5,000 clients and what else a process has open


def check_machine() -> None:
    """Make room for thousands of sockets. Raises Problem where nothing can be measured."""
    if not sys.platform.startswith("linux"):
        raise Problem("The load generator needs epoll, which only Linux has: run bench there.")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MIN_FILES:
        raise Problem(f"A process may open {hard:,} files here: allow {MIN_FILES:,} (ulimit -Hn).")
    resource.setrlimit(resource.RLIMIT_NOFILE, (MIN_FILES, hard))


def describe() -> dict[str, str]:
    """Return what absolute figures depend on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "processor": next(models, platform.machine()),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "pinned": "yes" if cores() else "no: there is one core only",
    }


def cores() -> tuple[int, int] | None:
    """Return a core for the server and one for the load, or None if there are not two."""
    first, *others = sorted(os.sched_getaffinity(0))
    # Two threads of one core would take each other's time: the load never sleeps.
    apart = [core for core in others if threads_beside(core) != threads_beside(first)]
    return (first, (apart or others)[0]) if others else None


def threads_beside(core: int) -> str:
    """Return which of what the system calls cores are in truth threads of the same one."""
    path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    return path.read_text(encoding="utf-8") if path.exists() else str(core)


SERVER, LOAD = 0, 1


@contextmanager
def on_core(which: int) -> Iterator[None]:
    """Have what is started within the block run on one core: SERVER's or LOAD's."""
    allowed, chosen = os.sched_getaffinity(0), cores()
    if chosen:
        os.sched_setaffinity(0, {chosen[which]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def busy_seconds() -> float:
    """Return how long processes have worked, on all cores, or the host has kept those from us.

    Interrupts are left out: most of them are our own connections', and whether a process's time
    holds them as well depends on the kernel.
    """
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.steal)


def own_seconds() -> float:
    """Return how long we ourselves, and what we have started and waited for, have worked."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def wait_until_quiet(patience: float) -> None:
    """Wait, but not longer than so many seconds, until nobody else works."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = busy_seconds()
        time.sleep(LOOK)
        if busy_seconds() - before < QUIET * LOOK:
            return
