"""report: one page on data, labels, people's decisions, curves and comparison; a datasheet, a model card, Croissant.

python -m stages.report --metrics reports/metrics --plots reports/plots --manifest data/raw/manifest.json
    --rows data/labelled.parquet --issues data/issues.parquet --packages data/code/packages.txt
    --html reports/report.html --datasheet reports/DATASHEET.md --model-card reports/MODEL_CARD.md
    --croissant reports/croissant.json --summary reports/summary.json

In: the metrics and plots of the other stages, the sources' manifest, the labelled rows and the issues. Out: an HTML
page that needs nothing else, a datasheet (Gebru et al. 2021), a model card (Mitchell et al. 2019), the dataset's
Croissant 1.0 metadata, and the headline figures that `dvc metrics` compares between revisions. All they say was
measured by a stage or stands in params.yaml.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import Field

from stages.report import curation, figures, inputs, labels, rounds, sections
from winnow.base import files, params
from winnow.base.stage import arguments, run

CROISSANT_TYPES = {"string": "sc:Text", "date32[day]": "sc:Date", "double": "sc:Float", "bool": "sc:Boolean"}

LANGUAGE = 0.01  # a rarer language among a source's rows is as often a mistake of the detector

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
        for field in measured.rows.schema
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
    """Return the headline metrics: what the classifiers reach on test, what they gain, and the state of the labels.

    What nobody measured is left out: the reviewers' agreement, the share of wrong labels after the last round, and
    whether another is worth it.
    """
    compared, decided, issues = (measured.metrics[stage] for stage in ("compare", "apply_decisions", "find_issues"))
    headline = measured.headline.name
    return {
        headline: {approach: values[headline] for approach, values in compared["test"].items()},
        "gain": {
            f"{first}-{second}": {key: values["test"][f"{headline}{end}"] for key, end in ENDS.items()}
            for (first, second), values in measured.pairs().items()
        },
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
    made = Environment(
        loader=PackageLoader("stages.report"),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"percent": sections.percent, "md": sections.markdown, "capital": sections.capital}
    return made


def main(argv: Sequence[str] | None = None) -> None:
    paths = ("metrics", "plots", "manifest", "rows", "issues", "packages")
    args = arguments(__doc__, argv, *paths, "html", "datasheet", "model_card", "croissant", "summary")
    settings = params.load("report", Params)
    measured = inputs.read(args)
    context = {
        "settings": settings,
        "inputs": measured,
        "metrics": measured.metrics,
        "verdicts": sections.verdicts(measured),
        "people": rounds.headline(measured),
        "tables": sections.tables(measured)
        | curation.tables(measured)
        | labels.tables(measured, settings.queue_rows)
        | rounds.tables(measured),
    }
    page, text = environment(escape=True), environment(escape=False)
    html = page.get_template("report.html").render(context, figures=figures.figures(measured))
    datasheet = text.get_template("DATASHEET.md").render(context)
    model_card = text.get_template("MODEL_CARD.md").render(context)
    files.write_json(args.croissant, croissant(measured, args.rows, args.croissant.parent, settings, text))
    files.write_json(args.summary, summary(measured))
    files.write_text(args.html, html)
    files.write_text(args.datasheet, datasheet)
    files.write_text(args.model_card, model_card)


if __name__ == "__main__":
    run(main)
