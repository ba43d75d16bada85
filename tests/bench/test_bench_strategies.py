"""The bench of the pipeline's words: sentences as printed, and what right tags lose by each strategy."""

import json

import pytest

from bench import strategies as bench
from tests import tiny_encoder
from winnow.kinds.token_classification.labels import canonical

SENTENCE = "the\tO\nalzol\tB-drug\n,\tO\n(\tO\nbad\tB-ill\nflus\tI-ill\n)\tO\n.\tO\n\n"


def test_a_sentence_as_printed_keeps_its_entities():
    text, label = "the alzol , ( bad flus ) .", canonical([(4, 9, "drug"), (14, 22, "ill")])
    printed, moved = bench.printed(text, label)
    assert (printed, moved) == ("the alzol, (bad flus).", canonical([(4, 9, "drug"), (12, 20, "ill")]))


@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
def test_from_end_to_end(tmp_path):
    (tmp_path / "iob").mkdir()
    for name in "ab":
        (tmp_path / "iob" / f"{name}.tsv").write_text(SENTENCE * 20, encoding="utf-8")
    tiny_encoder.write(tmp_path / "base", ["the", "al", "##zol", "bad", "flu", "##s", ",", "(", ")", "."])
    out = tmp_path / "out.json"
    bench.main(["--corpus", str(tmp_path / "iob"), "--base", str(tmp_path / "base"), "--out", str(out)])
    found = {(own["tokenizer"], own["form"]): own for own in json.loads(out.read_text(encoding="utf-8"))}
    assert len(found) == 6
    for (sort, form), own in found.items():
        assert own["simple"] == 1
        assert own["average"] == own["first"] == own["max"] == (sort == "WordPiece" or form == "spaced")
