"""One training by several processes: how a stage starts them, and what they tell each other.

Every process reads the same inputs and takes the same steps; of each batch it computes its share of the rows. Gradients
are summed when all have computed theirs, in one message, not while they are computed (as DistributedDataParallel does):
so a process without rows, or one that splits its share because memory does not hold it, keeps nobody waiting for a
message that never comes. The main process (rank 0) alone writes.
"""

import functools
import itertools
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from winnow.base.errors import UserError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
LAUNCHED = "WINNOW_LAUNCHED"  # set in the processes that a stage starts: they start none
MARK = f"{UserError.__name__}: "  # how torchrun begins the message of one
PATIENCE = 30  # seconds; torchrun ends the others as soon as it sees that one has ended


def launch(module: str, launcher: str | None, argv: Sequence[str] | None) -> bool:
    """Run a stage in the processes of an accelerate configuration; return False where this process is to run it.

    That is so without a configuration, and in a process that accelerate, torchrun or this function started.

    Args:
        module: of the stage, `stages.adapt.__main__`.
        launcher: the configuration's file.
        argv: the stage's command line; None: this process's.

    Raises:
        UserError: there is no such file, or a process failed; its message is that of the first that did.
    """
    if LAUNCHED in os.environ or "LOCAL_RANK" in os.environ:
        _end_with_parent()
        return False
    if launcher is None:
        return False
    if not Path(launcher).is_file():
        raise UserError(f"WINNOW_LAUNCHER: {launcher}: no such file; name one of launch/, or none")
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    arguments = ["--config_file", launcher, "--quiet", "--module", module]
    os.environ[LAUNCHED] = "1"
    logging.disable(logging.CRITICAL)  # torchrun's own account of a failure
    try:
        launch_command(launch_command_parser().parse_args([*arguments, *(sys.argv[1:] if argv is None else argv)]))
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        raise UserError(_told(rank, failure.exitcode, failure.message)) from None
    except SignalException as error:
        sys.exit(128 + error.sigval)
    except (ValueError, ConnectionError) as error:
        raise UserError(f"{launcher}: accelerate refuses it: {error}") from None
    finally:
        logging.disable(logging.NOTSET)
        del os.environ[LAUNCHED]
    return True


def _told(rank: int, exit_code: int, message: str | dict) -> str:
    """Return an error for people; what `launchable` left is a dict."""
    if isinstance(message, dict) and message["message"].startswith(MARK):
        return message["message"].removeprefix(MARK)
    if exit_code < 0:
        return f"process {rank} was ended by {signal.Signals(-exit_code).name}; if not by you, memory may be short"
    return f"process {rank} failed with exit status {exit_code}: what it wrote stands above"


def launchable(main: Callable[..., None]) -> Callable[..., None]:
    """Let a stage's `main` leave a `UserError` where the stage that started this process, if one did, looks for it.

    A process that another one's end has cut off waits to be ended too: it is the other that can tell why.
    """

    @functools.wraps(main)
    def wrapped(argv: Sequence[str] | None = None) -> None:
        try:
            main(argv)
        except (UserError, RuntimeError) as error:
            if LAUNCHED not in os.environ or "TORCHELASTIC_ERROR_FILE" not in os.environ:
                raise
            if not isinstance(error, UserError):
                if re.search("(closed|reset) by peer", str(error)):
                    time.sleep(PATIENCE)
                raise
            from torch.distributed.elastic.multiprocessing.errors import get_error_handler

            get_error_handler().record_exception(error)
            sys.exit(1)
        if place()[1] > 1:
            import torch.distributed as dist

            dist.destroy_process_group()

    return wrapped


def _end_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it dies: the others' messages will not come."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def place() -> tuple[int, int]:
    """Return this process's rank and how many there are."""
    import torch.distributed as dist

    return (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)


def from_main(value: T) -> T:
    """Return the main process's value; all processes must call."""
    import torch.distributed as dist

    if place()[1] == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def begin_alike(model: "torch.nn.Module") -> None:
    """Give every process the weights of the main one."""
    import torch.distributed as dist

    if place()[1] > 1:
        for tensor in itertools.chain(model.parameters(), model.buffers()):
            dist.broadcast(tensor.data, src=0)
