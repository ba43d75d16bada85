"""The one exception that a user's mistake raises."""


class UserError(Exception):
    """A mistake in data, parameters or set-up; its message is one line that names the place and the mend.

    `winnow.base.stage.run` prints it without a traceback and exits with 1.
    """

    def __init__(self, message: object = "") -> None:
        """Take the message; half of a surrogate pair, which no output can hold, is escaped in it."""
        super().__init__(str(message).encode("utf-8", "backslashreplace").decode("utf-8"))
