"""report: one page on data, labels, people's decisions, curves and comparison; a datasheet, a model card, Croissant.

python -m stages.report --metrics reports/metrics --plots reports/plots --manifest data/raw/manifest.json
    --ledger data/ledger --rows data/labelled.parquet --issues data/issues.parquet
    --packages data/code/packages.txt --predictions data/predictions --test data/test
    --html reports/report.html --datasheet reports/DATASHEET.md --model-card reports/MODEL_CARD.md
    --croissant reports/croissant.json --summary reports/summary.json

In: the metrics and plots of the other stages, the sources' manifest, the ledgers, the labelled rows and the issues.
Out: an HTML page that needs nothing else (the story in front, all else folded), a datasheet (Gebru et al. 2021), a
model card (Mitchell et al. 2019), the dataset's Croissant 1.0 metadata, and the headline figures that `dvc metrics`
compares between revisions. All they say was measured by a stage or stands in params.yaml. Figures are of dev; those of
test stand on the page and in the model card where `winnow test` was asked about the predictions at hand (--test).
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment
from pydantic import Field

from stages.report import (
    classes,
    curation,
    doubts,
    figures,
    flow,
    inputs,
    labels,
    rounds,
    sections,
    trained,
    verdicts,
    words,
)
from winnow.base import files, page, params
from winnow.base.stage import arguments, run
from winnow.rows import tables

CROISSANT_TYPES = {"string": "sc:Text", "date32[day]": "sc:Date", "double": "sc:Float", "bool": "sc:Boolean"}

LANGUAGE = 0.01  # a rarer language among a source's rows is as often a mistake of the detector

MOST_DOUBTS = 8  # in the open part; the others are folded

ENDS = {"mean": "", "low": "_low", "high": "_high"}


class Params(params.Section):
    """Section `report` of params.yaml."""

    title: str = Field(min_length=1)
    """The dataset's name."""

    description: str = Field(min_length=1)
    """What the dataset is, for the page, the datasheet and Croissant."""

    queue_rows: int = Field(ge=0)
    """Suspected rows shown on the page; the review queue has them all."""


def croissant(
    measured: inputs.Inputs, rows_path: Path, folder: Path, settings: Params, environment: Environment
) -> dict:
    """Return the labelled table's Croissant 1.0 metadata; `folder` is where they will stand."""
    of_task = {name: source for name, source in measured.manifest.items() if source["purpose"] == "task"}
    dates = [date for source in of_task.values() for date in source["published"] or ()]
    spoken = [
        source["languages"]
        for name, source in measured.metrics["represent"].get("sources", {}).items()
        if name in of_task
    ]
    fields = [
        {"name": field.name, "type": CROISSANT_TYPES[str(field.type)]}
        for field in tables.schema(rows_path)
        if str(field.type) in CROISSANT_TYPES  # `meta` is a map, for which Croissant 1.0 has no type
    ]
    text = environment.get_template("croissant.json").render(
        settings=settings,
        licences=sorted({source["licence"] for source in measured.manifest.values()}),
        url=Path(os.path.relpath(rows_path, folder)).as_posix(),
        sha256=files.sha256(rows_path),
        bytes=rows_path.stat().st_size,
        fields=fields,
        covered=f"{min(dates)}/{max(dates)}" if dates else None,
        languages=sorted(
            {code for source in spoken for code, share in source.items() if share >= LANGUAGE and code != "und"}
        ),
    )
    return json.loads(text)


def summary(measured: inputs.Inputs) -> dict:
    """Return the headline metrics: what the classifiers reach on dev, what they gain, and the state of the labels.

    What nobody measured is left out: the reviewers' agreement, the share of wrong labels after the last round, and
    whether another is worth it.
    """
    decided, issues = (measured.metrics[stage] for stage in ("apply_decisions", "find_issues"))
    headline, dev = measured.headline.name, measured.compared["dev"]
    return {
        "dev": {
            headline: {approach: values[headline] for approach, values in dev.by_score()},
            "gain": {
                f"{first}-{second}": {key: values[f"{headline}{end}"] for key, end in ENDS.items()}
                for (first, second), values in dev.pairs().items()
            },
        },
        "test_looks": len(measured.test.looks),
        "labels": {
            "labelled": sum(decided["labelled"].values()),
            "decisions": decided["decisions"],
            "suspected": issues["suspected"],
        }
        | state(measured),
        "trained_on": measured.metrics["balance"]["rows"],
        "leaks": measured.metrics["split"]["leaks"],
    }


def state(measured: inputs.Inputs) -> dict:
    """Return what people's decisions tell of the labels, as far as it was measured."""
    alpha, wrong = measured.metrics["agreement"].get("alpha"), rounds.wrong_labels(measured).get("all")
    advice = measured.metrics["rounds"].get("stopping", {}).get("verdict")
    told = {
        "agreement_alpha": alpha,
        "wrong_share": {key: wrong[f"share{end}"] for key, end in ENDS.items()} if wrong else None,
        "advice": advice,
    }
    return {name: value for name, value in told.items() if value is not None}


def environment(escape: bool) -> Environment:
    """Return a Jinja environment that knows the report's filters."""
    made = page.environment("stages.report", escape)
    made.filters |= {"percent": words.percent, "md": words.markdown, "capital": words.capital}
    return made


def html(measured: inputs.Inputs, context: dict) -> str:
    """Return the page: its parts, its style and script, and the policy that lets in these alone."""
    made = environment(escape=True)
    style, script = (made.get_template(name).render() for name in ("style.css", "page.js"))
    return made.get_template("report.html").render(
        context,
        classes=classes.facts(measured),
        doubts=doubts.doubts(measured),
        figures=figures.figures(measured),
        policy=page.policy(style, script),
        style=style,
        script=script,
        MOST_DOUBTS=MOST_DOUBTS,
        FEW=classes.FEW,
    )


def main(argv: Sequence[str] | None = None) -> None:
    paths = ("metrics", "plots", "manifest", "ledger", "rows", "issues", "packages", "predictions", "test")
    args = arguments(__doc__, argv, *paths, "html", "datasheet", "model_card", "croissant", "summary")
    settings = params.load("report", Params)
    measured = inputs.read(args)
    ways = flow.flows(measured)
    context = {
        "settings": settings,
        "inputs": measured,
        "metrics": measured.metrics,
        "verdicts": verdicts.verdicts(measured),
        "people": rounds.headline(measured),
        "flows": ways,
        "adaptation": trained.adaptation(measured),
        "recipe": trained.recipe(measured, measured.metrics["compare"]["best"]),
        "tables": {"funnel": flow.table(ways)}
        | sections.tables_of(measured)
        | curation.tables_of(measured)
        | labels.tables_of(measured, settings.queue_rows)
        | rounds.tables_of(measured),
    }
    text, told = environment(escape=False), html(measured, context)
    datasheet = text.get_template("DATASHEET.md").render(context)
    model_card = text.get_template("MODEL_CARD.md").render(context)
    files.write_json(args.croissant, croissant(measured, args.rows, args.croissant.parent, settings, text))
    files.write_json(args.summary, summary(measured))
    files.write_text(args.html, told)
    files.write_text(args.datasheet, datasheet)
    files.write_text(args.model_card, model_card)


if __name__ == "__main__":
    run(main)
