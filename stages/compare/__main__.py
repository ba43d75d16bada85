"""compare: differences between approaches, with intervals over groups (paired bootstrap) and seeds (Student's t).

python -m stages.compare --predictions data/predictions --metrics reports/metrics/compare.json
    --plot reports/plots/compare.csv

In: the predictions of every arm, of which dev alone is read. Out: the metrics of the kind of task for each approach
(mean over its seeds), the difference of each pair, which approach has the best headline, and whether it beats the
baseline; a CSV file with columns approach, split, the headline's name, low, high. `winnow test` does the same on test.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from winnow import kinds
from winnow.base import files, params
from winnow.base.stage import arguments, run
from winnow.kinds.headline import Headline
from winnow.kinds.task import Task
from winnow.rows import predictions
from winnow.validation import comparison
from winnow.validation.comparison import Params

SPLIT = "dev"  # what selects does not see test


def compare(arms: dict[str, pa.Table], task: Task, settings: Params) -> dict:
    """Return metrics of every approach and pair on dev, as they stand in `reports/metrics/compare.json`.

    Raises:
        UserError: as `comparison.compare`.
    """
    headline: Headline = kinds.load(task, "metrics").HEADLINE
    compared = comparison.compare(arms, SPLIT, task, settings)
    best = comparison.best(compared, headline, settings.baseline)
    beats = comparison.beats(compared, headline, best, settings.baseline)
    return {SPLIT: compared, "best": best, "best_beats_baseline": beats}


def write_plot(metrics: dict, headline: str, path: Path) -> None:
    """Write the headline of each approach with its interval."""
    columns = (headline, f"{headline}_low", f"{headline}_high")
    lines = (
        [approach, SPLIT, *(values[column] for column in columns)]
        for approach, values in metrics[SPLIT]["approaches"].items()
    )
    files.write_csv(path, ["approach", "split", headline, "low", "high"], lines)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "predictions", "metrics", "plot")
    settings, task = params.load("compare", Params), kinds.read_task()
    metrics = compare(predictions.read_all(args.predictions), task, settings)
    files.write_json(args.metrics, metrics)
    write_plot(metrics, kinds.load(task, "metrics").HEADLINE.name, args.plot)


if __name__ == "__main__":
    run(main)
