"""The one exception that a user's mistake raises."""


class UserError(Exception):
    """A mistake in data, parameters or set-up; its message is one line that names the place and the mend.

    `winnow.base.stage.run` prints it without a traceback and exits with 1.
    """
