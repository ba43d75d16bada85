"""Cleaners of instruction data, each asked how suspicious it finds prompts with their responses."""

from collections.abc import Sequence


def modelbrew(prompts: Sequence[str], responses: Sequence[str]) -> dict:
    """Return `scores`, (rows,): the worst severity of a row's issues, and among equal ones how many there are."""
    from modelbrew_cleaner.api import clean_rows
    from modelbrew_cleaner.schemas import Severity

    order = {Severity.suggestion: 1, Severity.warning: 2, Severity.critical: 3}
    scores = [0.0] * len(prompts)
    pairs = [{"instruction": prompt, "output": response} for prompt, response in zip(prompts, responses, strict=True)]
    for row in clean_rows(pairs):
        found = [order[issue.severity] for issue in row.issues]
        if found:
            scores[row.row_index] = max(found) + min(len(found), 99) / 100
    return {"scores": scores}
