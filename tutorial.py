"""The one door to this tutorial: `python3 tutorial.py` shows what it can do.

This file alone must be readable by any old Python, so that it can say what is missing.
"""

import platform
import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "The tutorial needs Python 3.11 or newer, and this is "
        + platform.python_version()
        + ": get a newer one from https://www.python.org/downloads/ and start with that."
    )

from tools.bootstrap import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
