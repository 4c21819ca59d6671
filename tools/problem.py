"""The one way to refuse: a sentence for the person, never a traceback."""


class Problem(Exception):
    """Something the person can put right; the message is one sentence that says how."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        """`exit_code` is what the process ends with: 2 when the command itself was wrong."""
        super().__init__(message)
        self.exit_code = exit_code
