"""The generated corpus: its bytes depend on the seed alone, its noise and its copies have the stated shares."""

import re
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bench import corpus
from tests.conftest import make_rows
from winnow.rows import tables

SIZE = 4 * 10**6  # bytes; about three blocks


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> corpus.Base:
    words = [f"w{(n * n) % 911}" for n in range(40_000)]
    texts = [" ".join(words[start : start + 20 + start % 70]) for start in range(0, 39_000, 50)]
    table = make_rows([{"text": text, "label": ("A", "B", None)[n % 3]} for n, text in enumerate(texts)])
    file = tmp_path_factory.mktemp("base") / "base.parquet"
    tables.write(table, file)
    return corpus.read_base(file)


@pytest.fixture(scope="module")
def made(base) -> pa.Table:
    return pa.concat_tables(corpus.blocks(base, 1, SIZE))


def size(table: pa.Table) -> int:
    return pc.sum(pc.binary_length(table["text"])).as_py()


def test_it_follows_the_data_contract_and_has_the_size_asked_for(made):
    assert made.schema == tables.row_schema()
    made.validate(full=True)
    assert 0 <= size(made) - SIZE < 5000
    assert len(set(made["id"].to_pylist())) == made.num_rows
    assert Counter(id[0] for id in made["id"].to_pylist()).keys() == set("0123456789abcdef")
    assert set(made["label"].to_pylist()) == {"A", "B", None}
    assert made["label_origin"].null_count == made["label"].null_count


def test_a_longer_corpus_begins_with_the_shorter_one_and_another_seed_is_another_corpus(base, made):
    shorter = pa.concat_tables(corpus.blocks(base, 1, SIZE // 3))
    assert shorter.equals(made.slice(0, shorter.num_rows))
    other = corpus.rows(base, 2, 0)
    assert not set(other["text"].to_pylist()) & set(made["text"].to_pylist())
    assert not set(other["id"].to_pylist()) & set(made["id"].to_pylist())


def test_copies_have_the_stated_shares(base):
    texts = corpus.texts(base, 1, 0).to_pylist()
    near, same = int(corpus.BLOCK * corpus.NEAR), int(corpus.BLOCK * corpus.EXACT)
    fresh = texts[: -near - same]
    assert len(set(fresh)) == len(fresh)
    assert set(texts[-same:]) <= set(fresh)
    assert len(texts) == corpus.BLOCK
    originals = {text.split()[0] + str(len(text.split())): text for text in fresh}
    pairs = [(text, originals.get(text.split()[0] + str(len(text.split())))) for text in texts[-near - same : -same]]
    similar = [jaccard(*pair) for pair in pairs if pair[1] and jaccard(*pair) > 0.3]
    assert len(similar) > near / 4  # the rest's first word was replaced, or two texts begin alike
    assert 0.8 < sum(similar) / len(similar) < 0.95


def jaccard(first: str, second: str) -> float:
    first, second = (set(zip(words, words[1:], words[2:], strict=False)) for words in (first.split(), second.split()))
    return len(first & second) / len(first | second)


def test_new_texts_share_little(base):
    texts = corpus.texts(base, 1, 0).to_pylist()[:200]
    assert max(jaccard(texts[n], texts[n + 1]) for n in range(199)) < 0.5


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("markup", r"<(b|i|br/|p|sub)>"),
        ("entities", r"&(lt|nbsp|quot|#x3b2);"),
        ("mojibake", "â€|Ã©"),
        ("e-mail addresses", r"\w+@example\.org"),
    ],
)
def test_noise_has_the_stated_shares(made, name, pattern):
    texts_share, words_share, _ = corpus.NOISE[name]
    texts = made["text"].to_pylist()
    noisy = [text for text in texts if re.search(pattern, text)]
    words = sum(len(text.split()) for text in texts)
    assert 0.2 * texts_share < len(noisy) / len(texts) <= 1.1 * texts_share
    found = sum(len(re.findall(pattern, text)) for text in noisy)
    assert found / words == pytest.approx(texts_share * words_share, rel=0.5)


def test_texts_begin_and_end_with_a_word(made):
    assert not any(text != text.strip() or not text for text in made["text"].to_pylist())


def test_files_are_cut_and_written_twice_the_same(base, made, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        assert corpus.write(base, tmp_path / folder, SIZE, 1, file_bytes=SIZE // 2) == made.num_rows
    files = sorted((tmp_path / "one").iterdir())
    assert [file.name for file in files] == ["corpus-000.parquet", "corpus-001.parquet"]
    assert all(file.read_bytes() == (tmp_path / "two" / file.name).read_bytes() for file in files)
    assert pa.concat_tables([pq.read_table(file) for file in files])["text"].equals(made["text"])
