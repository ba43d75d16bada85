"""deduplicate: find exact and near-duplicate texts, tie them together by a cluster id, keep one of them.

python -m stages.deduplicate --rows data/clean.parquet --out data/deduplicated.parquet
    --ledger data/ledger/deduplicate.parquet --metrics reports/metrics/deduplicate.json

Exact duplicates are equal but for case, punctuation and Unicode form. Near-duplicates: MinHash signatures of word
shingles (rensa), candidate pairs by banded LSH (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3), each
pair verified by the true Jaccard similarity. Rows of both purposes are compared, so that an adapted encoder meets no
copy of a test row. Adds the column `cluster`: the lowest id among the texts that similarity ties together.
"""

import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations

import pyarrow as pa
from pydantic import Field
from rensa import RMinHash

from winnow import hashing, params, tables
from winnow.components import Components
from winnow.errors import UserError
from winnow.files import write_json
from winnow.ledger import Ledger
from winnow.stage import arguments, progress, run


class Params(params.Section):
    permutations: int = Field(ge=16)  # more find more of the pairs near the threshold, at more time and memory
    shingle_words: int = Field(ge=1)  # 1 compares vocabularies; 3 to 5 compare wording
    threshold: float = Field(gt=0, le=1)
    drop_near: bool
    seed: int = Field(ge=0)


# A pair just at the threshold is found with at least this probability; a more similar pair with more.
RECALL = 0.99
SIGNED_AT_ONCE = 2048  # texts; bounds the memory that their shingles take
_WORD = re.compile(r"\w+")


def normalize(text: str) -> str:
    """Return the words of a text in one form: NFKC, case folded, one space apart; the text itself if it has none."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold())) or text


def shingles(normalized: str, count: int) -> frozenset[str]:
    """Return the runs of `count` words of a normalized text; of a shorter text, the whole as one."""
    words = normalized.split(" ")
    if len(words) < count:
        return frozenset((normalized,))
    return frozenset(map(" ".join, zip(*(words[start:] for start in range(count)), strict=False)))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the share of shingles that two texts have in common."""
    common = len(first & second)
    return common / (len(first) + len(second) - common)


def rows_per_band(threshold: float, permutations: int) -> int:
    """Return the longest band that still finds a pair at the threshold with probability `RECALL`.

    A pair of similarity s shares one of b bands of r values with probability 1 - (1 - s^r)^b.
    """
    fitting = [
        rows for rows in range(1, permutations + 1) if 1 - (1 - threshold**rows) ** (permutations // rows) >= RECALL
    ]
    return max(fitting, default=1)


def candidates(normalized: Sequence[str], options: Params) -> Iterator[list[int]]:
    """Yield groups of positions (ascending) whose texts share a band of their MinHash signatures."""
    signatures: list[bytes] = []
    for start in progress(range(0, len(normalized), SIGNED_AT_ONCE), "sign"):
        # A signature does not depend on the order of its shingles, so the order of a set, which varies, is no harm.
        tokens = [shingles(text, options.shingle_words) for text in normalized[start : start + SIGNED_AT_ONCE]]
        matrix = RMinHash.digest_matrix_from_token_sets(tokens, options.permutations, options.seed)
        signatures += (array("I", row).tobytes() for row in matrix.to_rows())
    length = rows_per_band(options.threshold, options.permutations)
    width = array("I").itemsize * length
    seen: set[tuple[int, ...]] = set()
    for band in range(options.permutations // length):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for position, signature in enumerate(signatures):
            buckets[signature[band * width : (band + 1) * width]].append(position)
        for bucket in buckets.values():
            if len(bucket) > 1 and (key := tuple(bucket)) not in seen:
                seen.add(key)
                yield bucket


def deduplicate(table: pa.Table, options: Params) -> tuple[pa.Table, Ledger, dict[str, int]]:
    """Return the rows kept, with their `cluster`, the ledger and counts.

    Kept of duplicates is a `task` row before a `text` row, then a labelled one, then the longest, then the lowest id.
    A near-duplicate is dropped only if it is similar to a row that is kept, which the ledger names; the ends of a
    chain (a like b, b like c) may both stay, in one cluster.
    """
    table = table.sort_by("id")
    names = ("id", "purpose", "text", "label")
    ids, purposes, texts, labels = (table[name].to_pylist() for name in names)
    forms = [normalize(text) for text in progress(texts, "normalize")]

    def preference(row: int) -> tuple:
        return purposes[row] != "task", labels[row] is None, -len(texts[row]), ids[row]

    ledger = Ledger("deduplicate")
    clusters = Components(len(ids))
    dropped: set[int] = set()

    def drop(row: int, keeper: int, rule: str, what: str) -> None:
        differ = labels[row] and labels[keeper] and labels[row] != labels[keeper]
        conflict = f"; labels differ ({labels[keeper]}, {labels[row]})" if differ else ""
        ledger.add(ids[row], "drop", rule, f"{what} of {ids[keeper]}{conflict}", hashing.text_sha(texts[row]))
        dropped.add(row)

    clusters.join_equal(forms)
    unique = []
    for copies in _members(clusters).values():
        keeper, *others = sorted(copies, key=preference)
        unique.append(keeper)
        for row in others:
            drop(row, keeper, "exact_duplicate", "exact duplicate")

    # Cached, since a text stands in many bands; bounded, since all shingles of a large table fill the memory.
    @lru_cache(maxsize=4096)
    def shingled(row: int) -> frozenset[str]:
        return shingles(forms[row], options.shingle_words)

    for bucket in candidates([forms[row] for row in unique], options):
        for first, second in combinations((unique[position] for position in bucket), 2):
            if clusters.root(first) == clusters.root(second):
                continue
            if jaccard(shingled(first), shingled(second)) >= options.threshold:
                clusters.join(first, second)

    members = _members(clusters)
    if options.drop_near:
        for rows in members.values():
            kept: list[int] = []
            for row in sorted(set(rows) - dropped, key=preference):
                for keeper in kept:
                    similarity = jaccard(shingled(row), shingled(keeper))
                    if similarity >= options.threshold:
                        drop(row, keeper, "near_duplicate", f"near-duplicate (Jaccard {similarity:.3f})")
                        break
                else:
                    kept.append(row)

    shared = [rows for rows in members.values() if len(rows) > 1]
    counts = {
        "exact": ledger.summary().get("drop.exact_duplicate", 0),
        "near": ledger.summary().get("drop.near_duplicate", 0),
        "clusters": len(shared),
        "label_conflicts": sum(len({labels[row] for row in rows} - {None}) > 1 for rows in shared),
    }
    # The rows are sorted by id, so a component's root has its lowest id.
    table = tables.set_column(table, "cluster", [ids[root] for root in clusters.roots()], pa.string())
    return table.filter(pa.array([row not in dropped for row in range(len(ids))], pa.bool_())), ledger, counts


def _members(clusters: Components) -> dict[int, list[int]]:
    members: dict[int, list[int]] = defaultdict(list)
    for row, root in enumerate(clusters.roots()):
        members[root].append(row)
    return members


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "out", "ledger", "metrics")
    options = params.load("deduplicate", Params)
    table = tables.read(args.rows)
    if not table.num_rows:
        raise UserError(f"{args.rows}: has no row")
    rows, ledger, counts = deduplicate(table, options)
    ledger.check(table.num_rows, rows.num_rows)
    tables.write(rows, args.out)
    ledger.write(args.ledger)
    write_json(args.metrics, {"rows_in": table.num_rows, "rows_out": rows.num_rows, **counts})


if __name__ == "__main__":
    run(main)
