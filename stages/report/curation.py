"""The report's tables and plots on curation: sources, removals, duplicates, overlap, validation and drift.

A pipeline may leave out the stages that measure these: what was not measured is left out of the page, and a measure
that this file does not know by name is shown under the name that its stage gave it.
"""

from collections.abc import Iterator

from stages.report import plots, tables
from stages.report.inputs import Inputs
from stages.report.plots import Drawing
from stages.report.tables import Table, cut
from stages.report.words import number, share

RULES = 12  # whose removals are shown by class, source and split: those that removed most
DIMENSIONS = ("class", "source", "split")
OVERLAP = "overlap"  # the key under which stages tell of it
MEASURES = {"embeddings": "embeddings (MMD²)", "words": "words (JSD, bits)"}


def interval(estimate: dict | None) -> str:
    """Return an estimate with its interval, or a dash where there is none."""
    return f"{number(estimate['value'])} ({number(estimate['low'])} to {number(estimate['high'])})" if estimate else "–"


def pin(source_pin: dict) -> str:
    """Return what pins a source: its kind, and version, revision or hash."""
    pinned = next((str(source_pin[key]) for key in ("version", "revision", "sha256") if source_pin.get(key)), "")
    return f"{source_pin.get('kind', '')} {pinned[:16]}".strip()


def tables_of(inputs: Inputs) -> dict[str, Table]:
    """Return the tables by name; those that nothing was measured for have no rows."""
    found = source_tables(inputs) | removal_tables(inputs) | duplicate_tables(inputs) | overlap_tables(inputs)
    return found | validation_tables(inputs)


def source_tables(inputs: Inputs) -> dict[str, Table]:
    """Return manifest, diversity and distances of each source, and what it adds to the others."""
    manifest = []
    for name, source in inputs.manifest.items():
        rows, dates = source.get("rows", {}), source.get("published")
        counts = [rows.get(key, "–") for key in ("read", "kept", "refused", "skipped")]
        dated = " to ".join(dates) if dates else "not dated"
        manifest.append(
            [name, source.get("purpose", ""), pin(source.get("pin", {})), source.get("licence", ""), dated, *counts]
        )
    represented = inputs.metrics["represent"].get("sources", {})
    diversity, distances, far, added = [], [], [], []
    for name, source in represented.items():
        words, languages = source.get("vocabulary", {}), source.get("languages", {})
        clusters, labels = source.get("clusters", {}), source.get("labels", {})
        first = max(sorted(languages), key=languages.get, default="–")
        diversity.append(
            [
                name,
                source["rows"],
                f"{source['words'].get('median', 0):.0f}",
                share(words.get("distinct_words")),
                f"{first} {share(languages.get(first))}",
                "–" if labels.get("entropy") is None else f"{labels['entropy']:.2f}",
                share(clusters.get("coverage")),
                f"{clusters['vendi']:.0f}" if "vendi" in clusters else "–",
                share(source["duplicates"]["share"]),
            ]
        )
        distances.append([name, *(interval(source["distance"].get(measure)) for measure in MEASURES)])
        far.append(source["distance"].get("embeddings"))
        if source.get("adds"):
            told = [row["word"] for row in inputs.plots["represent/characteristic"] if row["source"] == name]
            seen = [row["id"] for row in inputs.plots["represent/examples"] if row["source"] == name]
            mass, new = interval(source["adds"]["own_mass"]), source["adds"]
            added.append(
                [name, mass, new["new_words"], share(new["new_token_share"]), ", ".join(told), ", ".join(seen[:3])]
            )
    if floors := inputs.metrics["represent"].get("reference", {}).get("noise_floor"):
        distances.append(["chance alone", *(number(floors.get(name)) for name in MEASURES)])
        floor = floors.get("embeddings")
        far.append(None if floor is None else {"value": floor, "low": 0.0, "high": floor})
    ends = [(*(each[key] for key in ("value", "low", "high")), "plain") if each else None for each in far]
    heads = {
        "manifest": ["Source", "For", "Pin", "Licence", "Published", "Read", "Kept", "Refused", "Skipped"],
        "diversity": ["Source", "Rows", "Words a row", "Distinct words", "Language", "Class evenness"]
        + ["Clusters covered", "Vendi score", "Duplicates"],
        "distances": ["Source", *MEASURES.values()],
        "added": ["Source", "Share in own clusters", "New words", "Of its words", "Characteristic words", "Rows"],
    }
    return {
        "manifest": Table(heads["manifest"], manifest, "lllllrrrr"),
        "diversity": Table(heads["diversity"], diversity, "lrrrlrrrr"),
        "distances": Table(heads["distances"], distances, "lrr", tables.bars(ends, zero=True)),
        "added": Table(heads["added"], added, "lrrrll"),
    }


def removal_tables(inputs: Inputs) -> dict[str, Table]:
    """Return what each rule removed in all, and by class, source and split for the rules that removed most."""
    removals = inputs.plots["removals"]
    rules = [
        [row["rule"], row["stage"], int(row["rows"]), int(row["removed"]), removed_share(row), *skew(inputs, row)]
        for row in removals
        if row["dimension"] == "all" or row["stage"] == "collect"
    ]
    most = sorted(
        {(row["stage"], row["rule"]): int(row["removed"]) for row in removals if row["dimension"] == "all"}.items(),
        key=lambda item: (-item[1], item[0]),
    )
    shown = {key for key, removed in most[:RULES] if removed}
    parts = sorted(
        (
            [row["rule"], row["dimension"], row["value"], int(row["rows"]), int(row["removed"]), removed_share(row)]
            for row in removals
            if row["dimension"] in DIMENSIONS and (row["stage"], row["rule"]) in shown and int(row["removed"])
        ),
        key=lambda line: -line[4],
    )
    return {
        "removals": Table(["Rule", "Stage", "Rows", "Removed", "Per cent", "Most removed class"], rules, "llrrrl"),
        "removals_by": cut(["Rule", "By", "Value", "Rows", "Removed", "Per cent"], parts, "lllrrr"),
    }


def removed_share(row: dict[str, str]) -> str:
    """Return the share of the rows that a rule removed, in per cent, with its interval."""
    value, low, high = (f"{100 * float(row[name]):.2f}" for name in ("share", "low", "high"))
    return f"{value} ({low} to {high})"


def skew(inputs: Inputs, row: dict[str, str]) -> Iterator[str]:
    """Yield the class that a rule removed most, and how many times as often as classes in all; "" where none."""
    measured = inputs.metrics["removals"].get(row["stage"], {}).get(row["rule"], {})
    yield (
        f"{measured['most_removed_class']}, {measured['skew']:.1f}×"
        if "skew" in measured and int(row["removed"])
        else ""
    )


def duplicate_tables(inputs: Inputs) -> dict[str, Table]:
    """Return every figure of the stages that look for duplicates, by the stages' own names."""
    stages = (("deduplicate", "by wording"), ("semantic_duplicates", "by meaning"))
    rows = [
        [told, name.replace("_", " ").replace(".", ": "), value]
        for stage, told in stages
        for name, value in figures_of(inputs.metrics[stage])
        if OVERLAP not in name.split(".")
    ]
    return {"duplicates": Table(["Duplicates", "Measure", "Value"], rows, "llr")}


def overlap_tables(inputs: Inputs) -> dict[str, Table]:
    """Return how much of benchmarks, of dev and of test stands in other rows, by runs of words."""
    against = inputs.metrics["deduplicate"].get("against", {})
    looked_for = {name: (told[OVERLAP], "all rows") for name, told in against.items() if OVERLAP in told}
    looked_for |= {name: (told, "train") for name, told in inputs.metrics["split"].get(OVERLAP, {}).items()}
    rows = [
        [name, side, where, *_overlap(told), share(told["left"]["covered"]) if "left" in told else ""]
        for name, (sides, where) in looked_for.items()
        for side, told in sides.items()
    ]
    head = ["Looked for", "In", "Of", "Texts", "Too short", "Words covered", "Any", "From 20 %", "From 80 %", "Found"]
    head += ["Rows with one", "Covered after removal"]
    return {"overlap": Table(head, rows, "lllrrrrrrrrr")}


def _overlap(told: dict) -> list[object]:
    names = "any", "from_20_percent", "from_80_percent", "found", "rows"
    return [told["texts"], told["too_short"], share(told["covered"]), *(told[name] for name in names)]


def figures_of(metrics: dict, before: str = "") -> Iterator[tuple[str, object]]:
    """Yield each number of nested metrics with its dotted name."""
    for name, value in metrics.items():
        if isinstance(value, dict):
            yield from figures_of(value, f"{before}{name}.")
        elif isinstance(value, int | float):
            yield f"{before}{name}", value if isinstance(value, int) else f"{value:.4g}"


def validation_tables(inputs: Inputs) -> dict[str, Table]:
    """Return what was validated, and how far each part of the dataset drifted from the last release."""
    rows = inputs.metrics["check_tables"].get("rows", {}) | inputs.metrics["validate"].get("rows", {})
    checked = [[name, count] for name, count in rows.items()]
    measures = inputs.metrics["drift"].get("measures", {})
    parts = sorted({part for by_part in measures.values() for part in by_part})
    drifted = [[measure, *(told_drift(by_part.get(part)) for part in parts)] for measure, by_part in measures.items()]
    return {
        "validated": Table(["Table", "Rows checked"], checked, "lr"),
        "drift": Table(["Measure", *parts], drifted, "l" + "r" * len(parts)),
    }


def told_drift(drift: dict | None) -> str:
    """Return a drift's value, marked where it reached a threshold."""
    if not drift:
        return "–"
    return f"{drift['value']:.3f}" + ("" if drift["status"] == "ok" else f" ({drift['status']})")


def figures(inputs: Inputs) -> dict[str, Drawing]:
    """Return the drawings of what was measured, by name."""
    grown, dates = inputs.plots["represent/vocabulary"], inputs.plots["represent/dates"]
    sources = sorted({row["source"] for row in grown} | {row["source"] for row in dates})
    colour = plots.colours(sources, "")
    drawn = {}
    if grown:
        series = {name: _pairs(grown, name, "tokens", "distinct") for name in sources}
        drawn["vocabulary"] = plots.curves(series, colour, "words read", "distinct words")
    if dates:
        drawn["dates"] = plots.histogram(_dates(dates), colour, "year", "share of the source's rows")
    if counted := inputs.plots["represent/clusters"]:
        drawn["clusters"] = plots.heat(_cluster_shares(counted), "embedding cluster, the most shared first")
    return drawn


def _pairs(rows: list[dict[str, str]], source: str, x: str, y: str) -> tuple[list[int], list[int]]:
    chosen = [row for row in rows if row["source"] == source]
    return [int(row[x]) for row in chosen], [int(row[y]) for row in chosen]


def _dates(rows: list[dict[str, str]]) -> dict[str, tuple[list[int], list[float]]]:
    series = {}
    for source in sorted({row["source"] for row in rows}):
        years, counts = _pairs(rows, source, "year", "rows")
        series[source] = years, [count / sum(counts) for count in counts]
    return series


def _cluster_shares(rows: list[dict[str, str]]) -> dict[str, list[float]]:
    """Return each source's share of rows in each cluster; clusters of all sources first, those of one last."""
    shares = {}
    for source in sorted({row["source"] for row in rows}):
        counts = _pairs(rows, source, "cluster", "rows")[1]
        if sum(counts):
            shares[source] = [count / sum(counts) for count in counts]
    order = sorted(
        range(len(next(iter(shares.values()), []))),
        key=lambda cluster: (-min(own[cluster] for own in shares.values()), cluster),
    )
    return {source: [own[cluster] for cluster in order] for source, own in shares.items()}
