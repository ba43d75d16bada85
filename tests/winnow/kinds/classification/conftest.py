from tests.stages.finetune.approaches.conftest import encoder_folder, make_job  # noqa: F401
