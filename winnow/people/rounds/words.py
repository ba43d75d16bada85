"""What people are told of the rounds, in the words of the page and of the command."""

EDITS = {
    "relabel": "replacing labels",
    "drop": "dropping rows",
    "annotate": "labelling rows without one",
    "edit_text": "editing texts",
    "dedup": "dropping duplicates",
    "auto_label": "automatic labels, if used",
}


def period(name: str) -> str:
    """Return what to call the decisions of a round, or those before the first; `name` is that of the metrics."""
    return "Before the first round" if name == "000" else f"Round {int(name)}"
