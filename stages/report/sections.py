"""The report's tables on data and comparison."""

from stages.report import tables
from stages.report.inputs import Compared, Inputs
from stages.report.tables import Table
from stages.report.verdicts import ENDS, verdict
from stages.report.words import capital, change, number, ranged
from winnow.rows.splits import SPLITS

HOLDS = "The interval holds"  # in words, of each: with one seed, it holds none


def tables_of(inputs: Inputs) -> dict[str, Table]:
    """Return the tables on data and comparison by name."""
    return data_tables(inputs) | {"f1": table_of_f1(inputs)} | comparison_tables(inputs)


def table_of_f1(inputs: Inputs) -> Table:
    """Return F1 of each class on dev, by approach."""
    f1 = {(row["approach"], row["label"]): float(row["f1"]) for row in inputs.plots["evaluate/per_class"]}
    approaches = [name for name, _ in inputs.compared["dev"].by_score()]
    rows = [[label, *(number(f1[name, label]) for name in approaches)] for label in dict.fromkeys(key[1] for key in f1)]
    return Table(["Label", *approaches], rows, "l" + "r" * len(approaches))


def data_tables(inputs: Inputs) -> dict[str, Table]:
    """Return the tables on cleaning and balance."""
    m = inputs.metrics
    cleaning = [[*rule.split(".", 1)[::-1], count] for rule, count in m["clean"]["entries"].items()]
    counts = inputs.label_counts
    balance = [
        [name, *(counts[name, split] for split in SPLITS), m["balance"]["labels"].get(name, 0)]
        for name in inputs.classes
    ]
    return {
        "cleaning": Table(["Rule", "Action", "Texts"], cleaning, "llr"),
        "balance": Table(["Label", *(name.capitalize() for name in SPLITS), "Trained on"], balance, "lrrrr"),
    }


def comparison_tables(inputs: Inputs) -> dict[str, Table]:
    """Return approaches and their differences with intervals: on dev, and on test where that was asked."""
    found = {}
    for split, prefix in (("dev", ""), ("test", "test_")):
        if compared := inputs.compared.get(split):
            found |= {f"{prefix}{name}": table for name, table in _compared(inputs, compared).items()}
    return found


def _compared(inputs: Inputs, compared: Compared) -> dict[str, Table]:
    def gain(value: float) -> str:
        return change(value, inputs.headline)

    headline, reached, pairs = inputs.headline.name, compared.by_score(), compared.pairs()
    approaches = [
        [name, values["seeds"], *(ranged(values, metric, number) for metric in inputs.words), values["interval"]]
        for name, values in reached
    ]
    differences = [
        [f"{first} − {second}", *(ranged(values, metric, gain) for metric in inputs.words), values["interval"]]
        for (first, second), values in pairs.items()
    ]
    scores = [(*(values[f"{headline}{end}"] for end in ENDS), "plain") for _, values in reached]
    gaps = [
        (*(values[f"{headline}{end}"] for end in ENDS), verdict(values, pair, inputs.headline, "")["sign"])
        for pair, values in pairs.items()
    ]
    metrics, right = [capital(words) for words in inputs.words.values()], "r" * len(inputs.words)
    difference = "Difference, points" if inputs.headline.is_share else "Difference"
    return {
        "approaches": Table(
            ["Approach", "Seeds", *metrics, HOLDS], approaches, f"lr{right}l", tables.bars(scores, zero=False)
        ),
        "differences": Table([difference, *metrics, HOLDS], differences, f"l{right}l", tables.bars(gaps, zero=True)),
    }
