"""The report's tables and plots on labels: automatic ones, suspected errors, and rows worth a label.

A pipeline may leave out the stages calibrate, choose_rows and score: their tables then have no rows. What this file
does not know by name is shown under the name that its stage gave it.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from statistics import fmean

import pyarrow as pa
import pyarrow.compute as pc

from stages.report import plots
from stages.report.curation import figures_of
from stages.report.inputs import Inputs
from stages.report.plots import Drawing
from stages.report.tables import Table, cut
from stages.report.words import number, per_cent, percent, ranged, share, shorten

KINDS = {
    "conflict": "reviewers disagree on it",
    "duplicates_with_other_labels": "its duplicates had other labels",
    "label_error": "confident learning suspects the label",
    "near_duplicates_with_other_labels": "its near-duplicates have other labels",
    "outlier": "far from all other rows",
    "rules_disagree": "a labelling rule says otherwise",
    "underperforming_group": "in the cluster on which the models do worst",
}
DETECTORS = {
    "agreement": "share of models that prefer another label",
    "neighbours": "share of the nearest rows with another label",
    "normalized_margin": "normalized margin, by the models' mean (cleanlab)",
    "self_confidence": "self-confidence, by the models' mean (cleanlab)",
    "stack": "stack of the models and of what the group says",
}
PROBABILITIES = {  # what each was held against
    "planted": "planted errors",
    "planted_errors_alone": "decisions, before any was learnt from",
    "decisions": "decisions, by models that did not see them",
}
RULE_FIGURES = ("kind", "coverage", "overlap", "conflict", "measured_on")


def tables_of(inputs: Inputs, queue_rows: int) -> dict[str, Table]:
    """Return the tables by name; `queue_rows` rows of the review queue are shown."""
    return (
        automatic_tables(inputs)
        | issue_tables(inputs)
        | {"queue": queue_table(inputs, queue_rows)}
        | calibration_tables(inputs)
        | {"dataset_issues": Table(["Looked for", "Found"], list(dataset_issues(inputs)), "ll")}
    )


def words(name: str) -> str:
    """Return a name of the metrics as words."""
    return name.replace("_", " ")


def automatic_tables(inputs: Inputs) -> dict[str, Table]:
    """Return what rules say and how often they are right, how they are combined, and what people's audit accepted."""
    annotated, decided = inputs.metrics["annotate"], inputs.metrics["apply_decisions"]
    by_rule = [
        [
            name,
            _kind(counted),
            *(percent(counted[key]) for key in ("coverage", "overlap", "conflict")),
            *_right(counted),
        ]
        for name, counted in annotated["by_rule"].items()
    ]
    counts, shares = ("fired", "labelled", "rejected", "measured_on"), ("precision", "precision_lower")
    per_label = [
        [
            rule,
            label,
            *(counted[key] for key in counts),
            *(percent(counted[key]) if counted["measured_on"] else "–" for key in shares),
        ]
        for rule, labels in annotated["rules"].items()
        for label, counted in labels.items()
    ]
    combined = [
        [words(name), "yes" if name == annotated["combine"] else "no", percent(counted["coverage"]), *_right(counted)]
        for name, counted in annotated["combined"].items()
    ]
    acceptance = [
        [
            origin,
            label,
            counted["rows"],
            f"{counted['audited']} of {counted['drawn']}",
            *_audited(counted),
            _verdict(counted),
        ]
        for origin, labels in decided["acceptance"].items()
        for label, counted in labels.items()
    ]
    measured = ["Right, per cent", "Measured on"]
    of_labels = ["Rule", "Label", "Fired", "Labelled", "Not counted", "Measured on", "Precision", "At least"]
    accepted = ["Origin", "Label", "Rows", "Audited", "Right", "At least", "Accepted"]
    return {
        "rules": Table(["Rule", "Kind", "Coverage", "Overlap", "Conflict", *measured], by_rule, "llrrrrr"),
        "rules_by_label": cut(of_labels, per_label, "llrrrrrr"),
        "combined": Table(["Combination", "In use", "Labels", *measured], combined, "llrrr"),
        "acceptance": cut(accepted, acceptance, "llrrrrl"),
    }


def _kind(rule: dict) -> str:
    """Return a rule's kind, with what else its stage counted."""
    known = (*RULE_FIGURES, "accuracy", "accuracy_low", "accuracy_high")
    also = [f"{count:,} {words(name)}" for name, count in rule.items() if name not in known]
    return ", ".join([rule["kind"], *also])


def _right(measured: dict) -> tuple[str, int]:
    return ranged(measured, "accuracy", per_cent) if measured["measured_on"] else "–", measured["measured_on"]


def _audited(judged: dict) -> list[str]:
    return [percent(judged[key]) if judged["audited"] else "–" for key in ("precision", "lower")]


def _verdict(judged: dict) -> str:
    if not judged["accepted"]:
        return f"no: {judged['refusal']}"
    return f"yes: stands for {percent(judged['winning_rate'])} of the reviewers" if "winning_rate" in judged else "yes"


def issue_tables(inputs: Inputs) -> dict[str, Table]:
    """Return tiers of probability, kinds of issues and single detectors."""
    metrics, expected = inputs.metrics["find_issues"], expected_errors(inputs)
    bounds = inputs.params["find_issues"]["tiers"]
    tiers = [
        [tier, f"{100 * bounds.get(tier.replace(' ', '_'), 0):g}\u202f%", rows, _sum(expected["tier", tier])]
        for tier, rows in metrics["tiers"].items()
    ]
    kinds = [[KINDS.get(name, words(name)), rows] for name, rows in _most_first(metrics["kinds"])]
    flags = [[words(name), rows] for name, rows in _most_first(metrics["detectors"])]
    return {
        "tiers": Table(["Tier", "Probability from", "Rows", "Expected errors"], tiers, "lrrr"),
        "kinds": Table(["Why a row is an issue", "Rows"], kinds, "lr"),
        "flags": Table(["Detector", "Labels it holds to be wrong"], flags, "lr"),
    }


def expected_errors(inputs: Inputs) -> dict[tuple[str, str | None], list[float]]:
    """Return the probabilities of an error by ("tier", tier) and ("class", class of the given label)."""
    expected: dict[tuple[str, str | None], list[float]] = defaultdict(list)
    for part in inputs.issues.select(["tier", "given_label", "p_error"]).to_batches(max_chunksize=4096):
        for issue in part.to_pylist():
            if issue["p_error"] is not None:
                names = inputs.task.names(issue["given_label"]) if issue["given_label"] is not None else []
                for key in (("tier", issue["tier"]), *(("class", name) for name in names)):
                    expected[key].append(issue["p_error"])
    return expected


def _most_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _sum(chances: list[float]) -> str:
    return f"{math.fsum(chances):,.1f}"


def queue_table(inputs: Inputs, rows: int) -> Table:
    """Return the head of the review queue: open questions first, then by what an answer is worth a minute."""

    def rank(issue: dict) -> tuple:
        asked = [kind not in issue["kinds"] for kind in ("conflict", "duplicates_with_other_labels")]
        gain = issue["gain_per_minute"]
        return *asked, 0.0 if gain is None else -gain, issue["id"]

    parts = (part.to_pylist() for part in inputs.issues.to_batches(max_chunksize=4096))
    first = heapq.nsmallest(rows, chain.from_iterable(parts), key=rank)
    places = pc.index_in(pa.array([issue["id"] for issue in first], pa.string()), inputs.rows["id"])

    def label(issue: dict, name: str, text: str) -> str:
        return inputs.task.shown(issue[name], text) if issue[name] else "none"

    shown = [
        [label(issue, "given_label", text), label(issue, "suggested_label", text), share(issue["p_error"])]
        + [issue["tier"] or "–", shorten(text), issue["id"]]
        for issue, text in zip(first, inputs.texts.take(places), strict=True)
    ]
    return Table(["Label", "Suggested", "Probably wrong", "Tier", "Text", "Row"], shown, "llrlll")


def calibration_tables(inputs: Inputs) -> dict[str, Table]:
    """Return how good the probabilities are, and how well single detectors find planted errors."""
    measured = inputs.metrics["find_issues"]["calibration"]
    quality = [
        [told, *(measured["planted" if name == "planted" else "decisions"][key] for key in ("rows", "errors"))]
        + [number(measured[name][key]) for key in ("ece", "brier", "log_loss")]
        for name, told in PROBABILITIES.items()
        if name in measured
    ]
    planted = [planting["detectors"] for planting in inputs.metrics["calibrate"].get("plantings", [])]
    plantings = [found for found in planted if found]  # a kind of task may have no single detectors
    figures = list(next(iter(plantings[0].values()))) if plantings else []
    precisions = [
        [detector(name), *(fmean(found[name][figure] for found in plantings) for figure in figures)]
        for name in (plantings[0] if plantings else ())
    ]
    ranked = [[name, *map(number, values)] for name, *values in sorted(precisions, key=lambda row: (-row[1], row[0]))]
    head = ["Held against", "Rows", "Errors", "Calibration error", "Brier score", "Log loss"]
    names = ["Detector", *(words(figure).capitalize() for figure in figures)]
    return {
        "calibrated": Table(head, quality, "lrrrrr"),
        "planted": Table(names, ranked, "l" + "r" * len(figures)),
    }


def detector(name: str) -> str:
    """Return what a single detector goes by, in words."""
    return (
        f"loss of model {name.removeprefix('loss_')}" if name.startswith("loss_") else DETECTORS.get(name, words(name))
    )


def dataset_issues(inputs: Inputs) -> Iterator[list[str]]:
    """Yield what Datalab says of the dataset as a whole: what was looked for, and what was found."""
    for name, result in inputs.metrics["find_issues"]["dataset"].items():
        match name, result:
            case _ if not result:
                yield [words(name), "not enough rows to tell"]
            case "class_imbalance", {"rarest": rarest, "share": part, "issue": issue}:
                yield ["a class that is too rare", f"{_yes(issue)}: the rarest, {rarest}, has {percent(part)}"]
            case "underperforming_group", {"rows": rows, "score": score, "issue": issue, "examples": ids}:
                worst = f"the worst of {rows:,} rows has label quality {score:.2f}, as {', '.join(ids)}"
                yield ["a cluster on which the models do poorly", f"{_yes(issue)}: {worst}"]
            case "non_iid", {"p_value": p, "rows": rows}:
                found = f"p {_p(p)} by a test of {rows:,} groups: the smaller, the surer it matters"
                yield ["an order of the rows that matters", found]
            case "null", {"rows": rows, "columns": columns}:
                lacking = ", ".join(f"{column} {percent(part)}" for column, part in columns.items())
                yield ["values that are missing", f"{lacking}; all of them in {rows:,} rows"]
            case "outlier", {"rows": rows}:
                yield ["rows far from all others", f"{rows:,}"]
            case "near_duplicate", {"rows": rows}:
                yield ["near-duplicates with different labels", f"{rows:,} rows"]
            case _:
                yield [words(name), ", ".join(f"{words(key)} {value}" for key, value in figures_of(result))]


def _p(value: float) -> str:
    return f"= {value:.3f}" if value >= 0.001 else "< 0.001"


def _yes(issue: bool) -> str:
    return "yes" if issue else "no"


def figures(inputs: Inputs) -> dict[str, Drawing]:
    """Return the reliability plot, if probabilities were calibrated."""
    told = {"planted": "planted errors", "decisions": "decisions"}
    series: dict[str, tuple[list[float], list[float]]] = {}
    for row in inputs.plots["calibration"]:
        predicted, observed = series.setdefault(told.get(row["source"], row["source"]), ([], []))
        predicted.append(float(row["predicted"]))
        observed.append(float(row["observed"]))
    if not series:
        return {}
    names = dict(zip(series, plots.COLOURS, strict=False))
    return {"reliability": plots.calibration(series, names, "probability of an error, as told", "share found wrong")}
