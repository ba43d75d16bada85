"""The same cleaning rules by each tool, on lists of texts in memory, without the tool's own reading and writing."""

import json
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
Clean = Callable[[list[str]], list[str]]
AT_ONCE = 4096  # texts; what a batch of Winnow's engine holds
MARKUP = ("strip_scripts", "strip_markup")
CHARACTERS = ("unescape_entities", "fix_encoding", "strip_control")


def winnow(work: str) -> Clean:
    import pyarrow as pa
    import pyarrow.compute as pc

    from stages.clean.__main__ import Params
    from winnow.base import params
    from winnow.text.cleaning import personal
    from winnow.text.cleaning.profiles import clean_column, rules

    settings = params.load("clean", Params, ROOT / "params.yaml")
    profile, kinds = settings.profiles[settings.default_profile], ["email", "ip"]
    if work == "whole":
        kinds = settings.personal_data.kinds
    else:
        on = {*CHARACTERS, *(MARKUP if work == "markup" else ())}
        switches = {name: name in on for name, value in profile if isinstance(value, bool)}
        chosen = switches | {"normalize_unicode": "NFC", "collapse_space": "all", "urls": "keep"}
        profile = profile.model_copy(update=chosen)

    wanted = settings.personal_data.model_copy(update={"kinds": kinds, "regions": []})

    def clean(texts: list[str]) -> list[str]:
        cleaned = clean_column(pa.array(texts, pa.string()), rules(profile, ()))
        # As the stage does: only texts that may hold personal data are searched for it.
        may_hold = pc.match_substring_regex(cleaned, personal.suspects(wanted)).to_pylist()
        pairs = zip(cleaned.to_pylist(), may_hold, strict=True)
        return [personal.mask(text, kinds)[0] if found else text for text, found in pairs]

    return clean


def datatrove(work: str) -> Clean:
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter

    # It has no rule for white space either.
    steps = [FTFYFormatter(normalization="NFC").format, PIIFormatter().format, lambda text: " ".join(text.split())]
    if work != "characters":
        # datatrove has no other rule for markup; straight to the function, without its pipe to a child process.
        extractor = Trafilatura(favour_precision=False, deduplicate=False)
        steps.insert(
            0, lambda text: (extractor.extract(f"<html><body>{text}</body></html>") or "") if "<" in text else text
        )

    def clean(texts: list[str]) -> list[str]:
        for step in steps:
            texts = list(map(step, texts))
        return texts

    return clean


def data_juicer(work: str) -> Clean:
    from data_juicer.ops import mapper

    names = ["FixUnicode", "CleanEmail", "CleanIp", "WhitespaceNormalization"]
    if work != "characters":
        names.insert(0, "CleanHtml")
    if work == "whole":
        names.insert(-1, "CleanCopyright")
    mappers = [getattr(mapper, f"{name}Mapper")() for name in names]

    def clean(texts: list[str]) -> list[str]:
        samples = {"text": list(texts)}
        for each in mappers:
            samples = each.process_batched(samples)
        return samples["text"]

    return clean


def clean(tool: str, work: str, texts: str) -> dict:
    """Return `seconds` for all texts, and how many of them `changed`.

    Args:
        tool: name of a function of this module.
        work: characters, markup or whole.
        texts: a JSON file: [str].
    """
    everything = json.loads(Path(texts).read_text(encoding="utf-8"))
    function = globals()[tool](work)
    function(everything[:200])  # imports and compiled patterns
    changed, start = 0, time.perf_counter()
    for first in range(0, len(everything), AT_ONCE):
        batch = everything[first : first + AT_ONCE]
        changed += sum(old != new for old, new in zip(batch, function(batch), strict=True))
    return {"seconds": time.perf_counter() - start, "changed": changed}
