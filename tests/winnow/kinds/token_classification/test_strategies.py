"""Each strategy of transformers' pipeline gives the spans that are counted here: of each family of tokenizers, in texts
of several scripts and longer than a window."""

import re
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import families, nasty
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.token_classification import decoding, model, served, windows
from winnow.kinds.token_classification.labels import STRATEGIES, Task, canonical
from winnow.kinds.token_classification.span import trimmed

TASK = Task(kind="token_classification", labels=["a", "b"])
PARTS = [*"abcdelsmow", "é", "\u0301", "中", "क", "ि", "🙂", "-", "."]
LENGTH = 12  # tokens of a window
SIGNS = st.text("abe ,.-()é\u0301中कि🙂👩\u200d👧\u00a0\n", max_size=40)
TEXTS = st.lists(st.one_of(st.sampled_from(families.WORDS), SIGNS), max_size=12).map(" ".join) | nasty.TEXTS


@pytest.fixture(scope="module", params=families.NAMES)
def folder(request, tmp_path_factory):
    """A model of random weights, which says something else of each piece."""
    import torch
    from transformers import AutoTokenizer

    out = tmp_path_factory.mktemp(request.param)
    families.write(request.param, out / "encoder", PARTS)
    torch.manual_seed(1)
    made = model.build(TASK, out / "encoder")
    with torch.no_grad():
        for weight in made.parameters():
            if weight.ndim == 2:
                weight.normal_(std=0.5)
    made.save_pretrained(out / "model")
    AutoTokenizer.from_pretrained(out / "encoder").save_pretrained(out / "model")
    served.accompany(out / "model", LENGTH)
    return out / "model"


@pytest.fixture(scope="module")
def asked(folder):
    """Reader and model, and transformers' pipeline."""
    from transformers import pipeline

    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    reader = Reader.of(folder, LENGTH, 4096, accelerator)
    find = pipeline(served.TASK, str(folder), device="cpu")
    return reader, accelerator.prepare(model.load(TASK, folder)).eval(), find


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@settings(max_examples=40)
@given(text=TEXTS)
def test_a_strategy_of_the_pipeline_gives_the_spans_that_are_counted(asked, strategy, text):
    reader, loaded, find = asked
    read = windows.cut([text], ["x"], reader)
    (found,) = decoding.spans(TASK, read, model.probabilities(loaded, read, reader), [text], strategy)
    stride = windows.stride(reader.tokenizer, LENGTH)
    told = find.aggregate_overlapping_entities(find(text, aggregation_strategy=strategy, stride=stride))
    spans = [trimmed((each["start"], each["end"], each["entity_group"]), text) for each in told]
    assert canonical(filter(None, spans)) == canonical(span for span, _ in found)
    sure = [each["score"] for each, span in zip(told, spans, strict=True) if span]
    assert sure == pytest.approx([chance for _, chance in found], abs=1e-4)


@pytest.mark.parametrize(
    ("family", "text", "strategy"),
    [
        ("bert", "wet ((owl)), [moss]-wet.", "average"),
        ("mpnet", "wet ((owl)), [moss]-wet.", "average"),
        ("modernbert", "wet ((owl)), [moss]-wet.", "simple"),  # to the pipeline "((owl))," is one word
        ("deberta-v2", "wet ((owl)) [moss]-wet", "simple"),
        ("deberta-v2", "wet [owl] [moss]", "average"),
        ("bert", "wet किकि [owl] किकि", "average"),
        ("bert", "wet किकि [owl]कि [moss]", "simple"),  # it drops marks, and pieces are shorter than what they are of
        ("bert", "wet [owlabc] [owlabc]", "first"),  # three of four pieces go on with an entity
    ],
)
@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
def test_the_strategy_is_the_best_that_can_tell_the_entities_to_learn(family, text, strategy, tmp_path):
    families.write(family, tmp_path, PARTS)
    found = [(match.start() - 2 * place, match.end() - 2 * place - 2, "a") for place, match in marked(text)]
    text = re.sub(r"[][]", "", text)
    rows = pa.table({"id": ["1", "2"], "group": ["1", "2"], "text": [text, "stone"], "label": [canonical(found), "[]"]})
    reader = Reader.of(tmp_path, 8, 4096, None)  # a window is shorter than the texts
    assert model.settled(TASK, rows, reader).aggregation == strategy
    fixed = TASK.model_copy(update={"aggregation": "max"})
    assert model.settled(fixed, rows, reader).aggregation == "max"


def marked(text: str) -> Iterator[tuple[int, re.Match]]:
    """Yield what stands in brackets, and how many stand before."""
    return enumerate(re.finditer(r"\[\w+\]", text))
