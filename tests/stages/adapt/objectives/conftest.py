from tests.stages.conftest import encoder_folder  # noqa: F401
