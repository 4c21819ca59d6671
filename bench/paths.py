"""Where the measurements keep what they make."""

from tools.paths import DATA, ROOT

PEERS = ROOT / "bench" / "peers"
SOURCES = ROOT / "bench" / "load"
RESULTS = ROOT / "bench" / "results"  # full runs: what the site shows
PAGE = ROOT / "docs" / "benchmarks.md"

HOME = DATA / "bench"  # the environment, what is compiled, logs
QUICK = HOME / "quick"  # the results of --quick, which prove nothing
LOG = HOME / "servers.log"  # what the servers say
