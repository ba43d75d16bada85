"""DVC as it is, but that a stage begins as a fork of it, which has imported what most stages import: half their time.

python -m tests.pipeline.forked repro          in the folder of a clone; any other command of `dvc` too

A stage is still a process of its own, a child of DVC with the environment that DVC gives it. The first runs of
test_pipeline.py are plain `dvc repro`, and so are experiments in a queue and whatever is killed.
"""

import importlib
import os
import shlex
import signal
import sys
import traceback
from runpy import run_module

from dvc import cli
from dvc.stage import run
from dvc.stage.exceptions import StageCmdFailedError

MOST = ["pandas", "pyarrow.compute", "pyarrow.parquet", "pydantic", "ruamel.yaml", "sklearn.linear_model", "numba"]
ENCODERS = ["torch", "accelerate", "transformers.models.bert.modeling_bert", "transformers.models.auto.modeling_auto"]
USE_ENCODERS = {f"stages.{name}" for name in ("adapt", "check_model", "embed", "evaluate", "finetune")}


def fork(executable: str | None, command: str, cwd: str, env: dict[str, str], **others: object) -> None:
    """Run a stage's command as `dvc.stage.run._run` does, which this stands for."""
    python, option, module, *arguments = shlex.split(command)
    assert (python, option) == ("python", "-m")
    _import(MOST + ENCODERS * (module in USE_ENCODERS))
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _become(module, arguments, cwd, env)
    if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise StageCmdFailedError(command, status)


def _import(names: list[str]) -> None:
    """Import packages as stages do, and leave the environment as it was, which the next stage gets from DVC."""
    before = dict(os.environ)
    os.environ["HF_HUB_OFFLINE"] = "1"
    for name in names:
        importlib.import_module(name)
    os.environ.clear()
    os.environ.update(before)


def _become(module: str, arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """Do what `python -m module` would do with these arguments, and end."""
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        sys.argv, sys.path[:0] = [module, *arguments], [cwd]
        run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    run._run = fork
    sys.exit(cli.main())
