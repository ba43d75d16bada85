"""Whole jobs of the peers on one Parquet file with the columns id and text, from file to file, in one process.

Near-duplicates: shingles of three words, 128 hash functions in 21 bands of 6 (126 of them used), as Winnow's defaults.
"""

import os
from pathlib import Path

NGRAM, PERMUTATIONS, BANDS, ROWS, THRESHOLD = 3, 128, 21, 6, 0.8


def datatrove_clean(rows: str, scratch: str) -> dict:
    from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter

    # Without an extractor: less work than ours does.
    _datatrove(scratch, "clean", [_reader(rows), FTFYFormatter(normalization="NFC"), PIIFormatter(), _writer(scratch)])
    return {}


def datatrove_deduplicate(rows: str, scratch: str) -> dict:
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
    from datatrove.pipeline.dedup import MinhashDedupSignature as Signature
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig(n_grams=NGRAM, num_buckets=BANDS, hashes_per_bucket=ROWS)
    folders = [f"{scratch}/{name}" for name in ("signatures", "buckets", "removed")]
    _datatrove(scratch, "signatures", [_reader(rows), Signature(folders[0], config=config)])
    _datatrove(scratch, "buckets", [MinhashDedupBuckets(folders[0], folders[1], config=config)], tasks=BANDS)
    _datatrove(scratch, "cluster", [MinhashDedupCluster(folders[1], folders[2], config=config)])
    _datatrove(scratch, "filter", [_reader(rows), MinhashDedupFilter(folders[2]), _writer(scratch)])
    return {"kept": _lines(scratch)}


def _reader(rows: str):
    from datatrove.pipeline.readers import ParquetReader

    path = Path(rows)
    return ParquetReader(str(path.parent), glob_pattern=path.name, read_metadata=False)


def _writer(scratch: str):
    from datatrove.pipeline.writers import JsonlWriter

    return JsonlWriter(f"{scratch}/out", compression=None)


def _datatrove(scratch: str, step: str, pipeline: list, tasks: int = 1) -> None:
    from datatrove.executor import LocalPipelineExecutor

    LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=f"{scratch}/logs/{step}").run()


def _lines(scratch: str) -> int:
    total = 0
    for file in Path(scratch, "out").rglob("*.jsonl"):
        with file.open("rb") as lines:
            total += sum(1 for _ in lines)
    return total


def _dataset(rows: str, scratch: str):
    import datasets

    return datasets.load_dataset("parquet", data_files=rows, split="train", cache_dir=scratch)


def data_juicer_clean(rows: str, scratch: str) -> dict:
    from data_juicer.ops import mapper

    dataset = _dataset(rows, scratch)
    for name in ("CleanHtml", "FixUnicode", "CleanEmail", "CleanIp", "WhitespaceNormalization"):
        # As an operator's `run` does, which would fetch torch first.
        step = getattr(mapper, f"{name}Mapper")().process_batched
        dataset = dataset.map(step, batched=True, new_fingerprint=name)
    dataset.to_parquet(f"{scratch}/out.parquet")
    return {"kept": len(dataset)}


def data_juicer_deduplicate(rows: str, scratch: str) -> dict:
    from data_juicer.core.data import NestedDataset
    from data_juicer.ops.deduplicator import DocumentMinhashDeduplicator

    deduplicator = DocumentMinhashDeduplicator(
        tokenization="space",
        window_size=NGRAM,
        num_permutations=PERMUTATIONS,
        jaccard_threshold=THRESHOLD,
        num_bands=BANDS,
        num_rows_per_band=ROWS,
    )
    dataset, _ = deduplicator.process(NestedDataset(_dataset(rows, scratch).map(deduplicator.compute_hash)))
    dataset.to_parquet(f"{scratch}/out.parquet")
    return {"kept": len(dataset)}


def text_dedup_deduplicate(rows: str, scratch: str) -> dict:
    import datasets
    from text_dedup.minhash import main

    options = {
        "path": "parquet",
        "data_files": rows,
        "split": "train",
        "column": "text",
        "cache_dir": f"{scratch}/cache",
        "output": f"{scratch}/out",
        "ngram": NGRAM,
        "num_perm": PERMUTATIONS,
        "threshold": THRESHOLD,
        "b": BANDS,
        "r": ROWS,
        "num_proc": 1,
    }
    main([word for name, value in options.items() for word in (f"--{name}", str(value))], standalone_mode=False)
    return {"kept": len(datasets.load_from_disk(f"{scratch}/out"))}


def datasketch_deduplicate(rows: str, scratch: str) -> dict:
    import pyarrow.parquet as pq
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, ROWS))
    kept = 0
    with open(os.path.join(scratch, "kept.txt"), "w", encoding="utf-8") as out:
        for batch in pq.ParquetFile(rows).iter_batches(4096, columns=["id", "text"]):
            for id_, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                words = text.lower().split()
                shingles = {" ".join(words[n : n + NGRAM]).encode() for n in range(max(1, len(words) - NGRAM + 1))}
                signature = MinHash(PERMUTATIONS)
                signature.update_batch(list(shingles))
                if not lsh.query(signature):
                    lsh.insert(id_, signature, check_duplication=False)
                    out.write(f"{id_}\n")
                    kept += 1
    return {"kept": kept}
