"""The report's tables and plots on what people decided: reviewers and their agreement, and what rounds of review did.

A pipeline may leave out the stages agreement and rounds: their tables then have no rows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from stages.report import plots, tables
from stages.report.inputs import Inputs
from stages.report.plots import Drawing
from stages.report.tables import Table
from stages.report.words import capital, number, per_cent, percent, points, ranged, share
from winnow.people.decisions import VERDICTS
from winnow.people.rounds.words import EDITS, period
from winnow.rows.splits import SPLITS

KINDS = ("given", "corrected")  # labels by which the rows of dev are judged
BY = [f"{kind.capitalize()} labels" for kind in KINDS]
SHOWN = 12  # changes of a label, the most frequent
POINTS = 100  # the advice's figures are in points


def wrong_labels(inputs: Inputs) -> dict:
    """Return how many labels are wrong after the last round that measured it: split -> metrics; empty if none did."""
    measured = [
        noise["after"] for _, noise in sorted(inputs.metrics["rounds"].get("noise", {}).items()) if "after" in noise
    ]
    return measured[-1] if measured else {}


def headline(inputs: Inputs) -> dict:
    """Return what the documents say of the labels' state in sentences: wrong labels by split, and agreement."""
    agreed = inputs.metrics["agreement"]
    return {
        "wrong": {split: _estimate(measured) for split, measured in wrong_labels(inputs).items()},
        "alpha": None if agreed.get("alpha") is None else ranged(agreed, "alpha", number),
        "accepted": sum(
            measured["rows"]
            for labels in inputs.metrics["apply_decisions"]["acceptance"].values()
            for measured in labels.values()
            if measured["accepted"]
        ),
    }


def _estimate(measured: dict) -> str:
    return f"{percent(measured['share'])} ({per_cent(measured['share_low'])} to {per_cent(measured['share_high'])})"


def tables_of(inputs: Inputs) -> dict[str, Table]:
    """Return the tables by name."""
    return reviewer_tables(inputs) | round_tables(inputs) | worth_tables(inputs)


def reviewer_tables(inputs: Inputs) -> dict[str, Table]:
    """Return settled rows by verdict, each reviewer's quality, and how far reviewers agree."""
    settled, agreed = inputs.metrics["apply_decisions"]["settled"], inputs.metrics["agreement"]
    reviewers = [
        [name, measured["rows"], measured["rows_with_others"], share(measured.get("accuracy_dawid_skene"))]
        + [number(measured.get("quality_crowdlab"))]
        for name, measured in agreed.get("reviewers", {}).items()
    ]
    of_pairs = agreed.get("pairs", {})
    # Of labels that people may agree on in part, also how good one's labels, and texts, are by the other's.
    also, headline = {"kappa": "Cohen's kappa"}, inputs.headline.name
    if any(headline in measured for measured in of_pairs.values()):
        also[headline] = capital(inputs.told)
    if any(measured.get(f"text_{headline}") is not None for measured in of_pairs.values()):
        also[f"text_{headline}"] = f"{capital(inputs.told)} of edited texts"
    pairs = [
        [name, measured["rows"], percent(measured["same"] / measured["rows"])]
        + [ranged(measured, key, number) for key in also]
        for name, measured in of_pairs.items()
    ]
    confused = sorted(agreed.get("confused", {}).items(), key=lambda item: (-item[1], item[0]))
    quality = ["Reviewer", "Rows", "Of these with others", "Right (Dawid–Skene)", "Quality (CROWDLAB)"]
    return {
        "verdicts": Table(["Verdict", "Rows"], [[_words(verdict), settled[verdict]] for verdict in VERDICTS], "lr"),
        "reviewers": Table(quality, reviewers, "lrrrr"),
        "pairs": Table(["Reviewers", "Rows in common", "The same", *also.values()], pairs, "lrr" + "r" * len(also)),
        "confused": Table(["One said / the other said", "Rows"], confused[:SHOWN], "lr"),
    }


def round_tables(inputs: Inputs) -> dict[str, Table]:
    """Return what each round's decisions did, and what its random sample tells of wrong labels."""
    rounds = inputs.metrics["rounds"]
    done, noise = (sorted(rounds.get(name, {}).items()) for name in ("done", "noise"))
    deeds = [
        [
            period(name),
            measured["decisions"],
            measured["rows"],
            *(measured["verdicts"][verdict] for verdict in VERDICTS),
        ]
        + [measured["open"], _changed(measured["queue"]), _time(measured.get("seconds"))]
        for name, measured in done
    ]
    wrong = [
        [period(name), split, measured["before"][split]["rows"], *_before_and_after(measured, split)]
        for name, measured in noise
        for split in ("all", *SPLITS)
        if split in measured.get("before", {})
    ]
    sampled = [
        [period(name), measured["drawn"], measured["judged"], measured["open"]]
        + [ranged(measured, key, per_cent) for key in ("precision", "recall")]
        + [number(measured.get("observed_to_expected"))]
        for name, measured in noise
    ]
    changes: Counter = Counter()
    for _, measured in done:
        changes.update({(change["given"], change["new"]): change["rows"] for change in measured["changes"]})
    changed = sorted(changes.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    verdicts = [_words(verdict).capitalize() for verdict in VERDICTS]
    work = ["", "Decisions", "Rows", *verdicts, "Disagreed", "Changed in the queue", "Time"]
    sample = ["", "Drawn", "Judged", "Open", "Precision, per cent", "Recall, per cent", "Observed to expected"]
    return {
        "rounds": Table(work, deeds, "l" + "r" * (len(work) - 1)),
        "noise": Table(["", "Split", "Labels", "Wrong before, per cent", "Wrong after, per cent"], wrong, "llrrr"),
        "samples": Table(sample, sampled, "lrrrrrr"),
        "changes": Table(["Label", "Became", "Rows"], [[*pair, rows] for pair, rows in changed], "llr"),
    }


def _words(name: str) -> str:
    return name.replace("_", " ")


def _before_and_after(noise: dict, split: str) -> Iterator[str]:
    for when in ("before", "after"):
        yield ranged(noise.get(when, {}).get(split), "share", per_cent)


def _changed(queue: dict) -> str:
    return f"{queue['changed']} of {queue['rows']}" if queue["rows"] else "–"


def _time(seconds: dict | None) -> str:
    return f"{seconds['total'] / 60:.0f} min, {seconds['median']:.0f} s each" if seconds else "–"


def worth_tables(inputs: Inputs) -> dict[str, Table]:
    """Return the headline after each round and its change, what each kind of edit adds, what the advice rests on."""
    rounds, headline = inputs.metrics["rounds"], inputs.headline.name
    models = rounds.get("models", {headline: {}, "change": {}})
    states = [
        [
            "Before any decision" if name == "before" else period(name),
            measured["decisions"],
            *_by(measured, headline, number),
        ]
        for name, measured in sorted(
            models[headline].items(), key=lambda item: (item[1]["decisions"], item[0] != "before")
        )
    ]
    changes = {"all decisions": "all"} if len(states) > 1 else {}
    if len(states) > 2:  # else the last round is all there was
        changes = {"the last round": "last_round"} | changes
    gains = [[told, *_by(models["change"][name], "gain", _points)] for told, name in changes.items()]
    named = edits_in_words(inputs)
    edits = [[name, measured["rows"], *_by(measured, "gain", _points)] for name, measured in named]
    corrected = [signed(measured.get("dev", {}).get("corrected")) for _, measured in named]
    return {
        "evolution": Table(["", "Decisions", *BY], states, "lrrr"),
        "change": Table(["Change by", *BY], gains, "lrr"),
        "edits": Table(["Edit", "Rows of train", *BY], edits, "lrrr", tables.bars(corrected, zero=True)),
        "advice": Table(["Measure", "Value"], list(advice(rounds, inputs.gained)), "lr"),
    }


def signed(gain: dict | None) -> tuple[float, float, float, str] | None:
    """Return a gain in points with its interval, and whether the whole interval is better or worse, else open."""
    if not gain:
        return None
    value, low, high = (POINTS * gain[f"gain{end}"] for end in ("", "_low", "_high"))
    return value, low, high, "better" if low > 0 else "worse" if high < 0 else "open"


def _by(by_split: dict, name: str, show: Callable[[float], str]) -> list[str]:
    return [ranged(by_split.get("dev", {}).get(kind), name, show) for kind in KINDS]


def _points(change: float) -> str:
    return points(change, 2)


def advice(rounds: dict, gained: str) -> Iterator[tuple[str, object]]:
    """Yield what the advice rests on: a measure in words, and its value; `gained` is what to call a gain."""
    if not rounds:
        return
    stopping = rounds["stopping"]
    changed = f"{stopping['expected_changes']:.1f}" + (
        f" ({percent(stopping['precision'])})" if "precision" in stopping else ""
    )

    def hundred(cost: float) -> str:
        return f"{100 * cost:.1f}".replace("-", "−")

    def as_points(value: float) -> str:
        return points(value / POINTS, 2)

    yield "next rows of the queue", stopping["next_rows"]
    yield "of these without a probability of an error", stopping["without_probability"]
    yield "of these, rows that people would change", changed
    yield f"what that adds to {gained} on dev, points", ranged(stopping, "gain_points", as_points)
    yield "what it takes off the wrong labels in test, points", as_points(-stopping["test_error_points"])
    cost = ranged(stopping, "wrong_label_points", hundred)
    yield f"what 100 wrong training labels cost, points of {gained} on dev", cost
    yield "labels that models train on", stopping["training_labels"]
    if rounds["decisions"]:  # else assumed
        yield (
            "of the wrong labels that people found, replaced rather than left out",
            percent(stopping["relabelled_share"]),
        )
    if "new_labels_points" in stopping:
        new = as_points(stopping["new_labels_points"])
        yield f"what {stopping['next_decisions']} labels on new rows would add instead, points", new


def figures(inputs: Inputs) -> dict[str, Drawing]:
    """Return the drawings of what was measured, by name."""
    drawn, headline, told = {}, inputs.headline.name, inputs.told
    evolution, planted = inputs.plots["rounds/evolution"], inputs.plots["rounds/planted"]
    if len({row["round"] for row in evolution}) > 1:
        drawn["evolution"] = _evolution(evolution, headline, f"{told} on dev")
    if len(planted) > 1:
        cost = inputs.headline.sign * inputs.metrics["rounds"]["stopping"]["wrong_label_points"] / POINTS
        points_ = [(int(row["wrong_labels"]), float(row[headline])) for row in planted]
        drawn["cost"] = plots.dots(points_, -cost, "wrong training labels", f"{told} on dev")
    return drawn


def _evolution(rows: Sequence[dict[str, str]], headline: str, y: str) -> Drawing:
    series = {}
    for kind in KINDS:
        judged = sorted((int(row["decisions"]), *(float(row[name]) for name in (headline, "low", "high")))
                    for row in rows if row["labels"] == kind)  # fmt: skip
        if judged:
            series[f"{kind} labels"] = list(zip(*judged, strict=True))
    return plots.bands(series, dict(zip(series, plots.COLOURS, strict=False)), "decisions", y)


def edits_in_words(inputs: Inputs) -> list[tuple[str, dict]]:
    """Return what was measured of each kind of edit, by its name in words."""
    edits = inputs.metrics["rounds"].get("edits", {})
    kinds = [*(kind for kind in EDITS if kind in edits), *(kind for kind in edits if kind not in EDITS)]
    return [(EDITS.get(kind, _words(kind)), edits[kind]) for kind in kinds]
