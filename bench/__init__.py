"""Our chat beside its peers: `python3 tutorial.py bench`.

- `contenders`: who is measured. The servers are in `peers`, one small module each, and live in an
  environment of their own (`environment`).
- `load`: the clients, two programs in C; `generator` runs them, on a core of their own.
- `measure`: what is measured, one module for each benchmark, in a `lab`, which starts and stops
  the servers and notes what was seen.
- `results`: every run, as JSON; `stats`: medians, ranges and ratios; `claims`: what was to be
  shown; `report` and `plot`: the page that shows it.
"""
