"""All benchmarks, in the order in which they are run and shown."""

from bench.benchmark import Benchmark
from bench.measure import accept, fanout, http, latency, memory, stalled, store, tutorial

BENCHMARKS: tuple[Benchmark, ...] = tuple(
    module.BENCHMARK for module in (fanout, latency, stalled, memory, accept, http, store, tutorial)
)
