"""check_model: what any base encoder does not have is told before a model runs."""

import json

import pytest

from stages.check_model import __main__ as check_model
from tests.conftest import ROOT
from winnow.base.errors import UserError

MINI = {"model_type": "bert", "num_hidden_layers": 6, "max_position_embeddings": 512}

ROBERTA = MINI | {"model_type": "roberta"}


@pytest.fixture
def check(default_params, workspace):
    """Return a function that runs the stage on an encoder's configuration and changed sections; it returns the output.

    The default freezes three layers to fine-tune, and reads 64 tokens.
    """

    def check(config: object, **sections: dict) -> str:
        folder = workspace(**{name: values | sections.get(name, {}) for name, values in default_params.items()})
        for name in ("stages", "winnow"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "base").mkdir()
        (folder / "base/config.json").write_text(json.dumps(config))
        check_model.main(["--base", "base", "--generator", "generator", "--out", "checked.txt"])
        return (folder / "checked.txt").read_text()

    return check


TWO = MINI | {"num_hidden_layers": 2}
ALL_LEARN, SIX = {"frozen_layers": 0}, {"frozen_layers": 6}
ARMS = {"approaches": ["few_shot"]}
FEW_SHOT = {"few_shot": {"frozen_layers": None}}


@pytest.mark.parametrize(
    ("config", "sections"),
    [
        (MINI, {}),
        (MINI, {"finetune": {"frozen_layers": 5}}),
        (MINI | {"num_hidden_layers": 3}, {"finetune": ALL_LEARN}),
        (MINI, {"finetune": SIX | {"freeze_embeddings": False}}),  # then no layer is frozen
        (MINI, {"adapt": SIX | {"freeze_embeddings": False}}),
        (MINI, {"approaches": {"few_shot": SIX}}),  # which no arm takes
        (MINI | {"num_hidden_layers": 3}, {"arms": ARMS}),  # which freezes none of its own
        ({"model_type": "albert", "num_hidden_layers": 12, "num_hidden_groups": 1}, {"finetune": ALL_LEARN}),
        (MINI | {"pad_token_id": None}, {}),  # a BERT counts no position from it
    ],
)
def test_an_encoder_that_has_all_passes(check, config, sections):
    assert check(config, **sections) == check_model.SOUND


@pytest.mark.parametrize(
    ("config", "sections", "told"),
    [
        (MINI, {"finetune": SIX}, "finetune.frozen_layers: 6, but the encoder in base has 6 layers"),
        ({"model_type": "unheard-of"}, {}, "^base/config.json: transformers cannot read it: .*`unheard-of`"),
        (MINI | {"hidden_size": "many"}, {}, "^base/config.json: transformers cannot read it: .*'hidden_size'"),
        (MINI | {"vocab_size": None}, {}, "^base/config.json: transformers cannot read it: .*'vocab_size'"),
        (MINI | {"id2label": ["a"]}, {}, "^base/config.json: transformers cannot read it: "),
        (MINI | {"num_hidden_layers": 3}, {}, "finetune.frozen_layers: 3, but the encoder in base has 3 layers"),
        ({"model_type": "distilbert", "n_layers": 3}, {}, "finetune.frozen_layers: 3, but"),
        (MINI, {"adapt": {"frozen_layers": 9}}, "adapt.frozen_layers: 9, but .* lower it to 5 or less"),
        (TWO, {"finetune": ALL_LEARN, "score": {"method": "both"}}, "^params.yaml: score.finetune.frozen_layers: 3"),
        (MINI, {"approaches": {"few_shot": SIX}, "arms": ARMS}, "approaches.few_shot.frozen_layers: 6"),
        (MINI, {"approaches": FEW_SHOT, "arms": ARMS, "finetune": SIX}, "finetune.frozen_layers: 6"),
        ({"model_type": "albert", "num_hidden_layers": 12, "num_hidden_groups": 1}, {}, "share their weights"),
        (MINI | {"max_position_embeddings": 32}, {}, r"adapt.max_length: 64 tokens.*; params.yaml: encoder.max_length"),
    ],
)  # fmt: skip
def test_an_encoder_that_lacks_something_stops_in_a_line(check, config, sections, told):
    with pytest.raises(UserError, match=told):
        check(config, **sections)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (ROBERTA | {"pad_token_id": None}, "pad_token_id is null, but the model type roberta counts positions from it"),
        (ROBERTA | {"pad_token_id": [1]}, r"pad_token_id is \[1\], and no whole number from 0 on; mend it"),
        (ROBERTA | {"pad_token_id": "1"}, 'pad_token_id is "1", and no whole number'),
        (ROBERTA | {"pad_token_id": True}, "pad_token_id is true, and no whole number"),
        (MINI | {"pad_token_id": -1}, "pad_token_id is -1, and no whole number"),
        (MINI | {"pad_token_id": "9" * 99}, 'pad_token_id is "9{39}…, and'),
        (MINI | {"max_position_embeddings": "512"}, 'max_position_embeddings is "512", and no whole number'),
        (MINI | {"num_hidden_layers": 6.5}, r"num_hidden_layers is 6\.5, and no whole number"),
        ({"n_layers": {"a": 1}}, r'n_layers is {"a": 1}, and no whole number'),
        ([MINI], "not a JSON object"),
    ],
)
def test_a_configuration_whose_numbers_are_none_is_named(check, config, told):
    with pytest.raises(UserError, match=rf"^base/config\.json: {told}"):
        check(config)
