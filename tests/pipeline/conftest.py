"""What several files' tests begin with: a whole run of the pipeline."""

from functools import partial

import pytest

from tests.pipeline import first_run


@pytest.fixture(scope="session")
def copy_first_run(tmp_path_factory, request):
    """A function that copies the session's first run of the pipeline into a folder, and returns clone and stages."""
    base = tmp_path_factory.getbasetemp()
    is_worker = hasattr(request.config, "workerinput")  # of xdist: its folder lies in that of the session
    return partial(first_run.copied, (base.parent if is_worker else base) / "first-run")
