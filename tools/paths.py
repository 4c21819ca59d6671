"""Where things are, and how to call them."""

import os
from pathlib import Path

# How a person starts this, as our messages spell it.
COMMAND = "python tutorial.py" if os.name == "nt" else "python3 tutorial.py"

FOLDER = "my-chat"  # what the chapters call the reader's folder

ROOT = Path(__file__).resolve().parent.parent
STEPS = ROOT / "steps"
REQUIREMENTS = ROOT / "requirements"
VENV = ROOT / ".venv"
WHEELS = ROOT / "wheels"  # packages to install without a network; `offline` puts them there
# What a person's own chat keeps between runs.
DATA = Path(os.environ.get("TUTORIAL_DATA") or ROOT / ".data")
