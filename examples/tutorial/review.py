"""Decides on the first rows of a review queue as whoever wrote the messages would, for docs/tutorial.md.

python examples/tutorial/review.py decided.csv --rows 40

`decided.csv` is a copy of reports/review/queue.csv; its columns verdict and new_label are filled in.
"""

import argparse
import csv
from pathlib import Path

from make import topic_of  # beside this file


def main() -> None:
    """Fill in the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("queue", type=Path)
    parser.add_argument("--rows", type=int, default=40, metavar="N", help="decide on the first N")
    arguments = parser.parse_args()
    with arguments.queue.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns, rows = reader.fieldnames, list(reader)
    for row in rows[: arguments.rows]:
        right = topic_of(row["text"])
        row["verdict"] = "keep" if right == row["given_label"] else "relabel"
        row["new_label"] = "" if right == row["given_label"] else right
    with arguments.queue.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    wrong = sum(row["verdict"] == "relabel" for row in rows)
    print(f"{min(arguments.rows, len(rows))} rows read, {wrong} labels were wrong")


if __name__ == "__main__":
    main()
