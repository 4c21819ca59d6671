"""`python -m tools`: the commands, for those who manage their environment themselves."""

import sys

from tools.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
