"""Whether a process that a file names is still there."""

import psutil

SECOND = 1.0  # the system's clock of processes and ours differ by less


def is_alive(number: int, since: float | None = None) -> bool:
    """Return whether a process of the number works on, and has since a time (seconds since the epoch) if one is given.

    A process that was killed keeps its number until its parent asks for it, in many containers for ever; and a number
    is given again, after a restart of the machine above all. Neither counts.
    """
    if number <= 0:
        return False
    try:
        process = psutil.Process(number)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
        return since is None or process.create_time() <= since + SECOND
    except psutil.AccessDenied:  # another user's
        return True
    except (psutil.NoSuchProcess, OverflowError):  # OverflowError: a number that none can have
        return False
