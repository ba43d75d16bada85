"""Why a row is in the queue, in words that a curator understands."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from winnow.kinds.evidence import GROUP
from winnow.rows import origins

# What each model looks at; a member of another name is told by its name.
SEEN_BY = {
    "probe": "its meaning",
    "words": "its words",
    "finetune": "the fine-tuned model",
    GROUP: "the rest of its group",
}
SHOWN = 3  # ids of near-duplicates


@dataclass(frozen=True)
class Findings:
    """What is known of one row.

    Attributes:
        label, origin: None where the row has no label.
        suggested: the label that the models together hold to be likeliest.
        chances: probabilities of labels by the models together, as far as they tell them.
        members: the label that each model holds to be likeliest.
        nearest: labels of the nearest rows, one each.
        flagged: how many of the `ways` of confident learning hold the label to be an error.
        votes: (rule, label in words) of each rule that fires.
        duplicates: (id, label in words) of rows that say nearly the same under another label.
        copies: what is to be said of dropped duplicates with other labels, or None.
        conflict: what reviewers who disagree said, or None.
        shown: returns a label in words.
        why: what speaks against parts of the label, where the kind of task tells them; None: it tells whole labels.
    """

    label: str | None
    origin: str | None
    suggested: str
    chances: Mapping[str, float]
    members: Mapping[str, str] = field(default_factory=dict)
    nearest: Sequence[str] = ()
    flagged: int = 0
    ways: int = 0
    votes: Sequence[tuple[str, str]] = ()
    duplicates: Sequence[tuple[str, str]] = ()
    copies: str | None = None
    conflict: str | None = None
    outlier: bool = False
    poor_slice: bool = False
    shown: Callable[[str], str] = str
    why: Sequence[str] | None = None


def in_words(of: Findings) -> list[str]:
    """Return why a curator should look at a row, the weightiest first."""
    said = [of.conflict] if of.conflict else []
    said += [of.copies] if of.copies else []
    if of.duplicates:
        others = ", ".join(f"{id} {label}" for id, label in of.duplicates[:SHOWN])
        more = len(of.duplicates) - SHOWN
        said.append(
            f"rows that say nearly the same have other labels: {others}{f' and {more} more' if more > 0 else ''}"
        )
    said += _whole(of) if of.why is None else of.why or ["no part of the label is in doubt"]
    said += [f"rule {rule} says {label}" for rule, label in of.votes]
    if of.flagged:
        said.append(f"confident learning counts it as an error in {of.flagged} of {of.ways} ways")
    said += ["it is unlike all other rows"] if of.outlier else []
    said += ["it is one of a group of similar rows on which the models do poorly"] if of.poor_slice else []
    if of.origin is not None and of.origin not in origins.TRUSTED:
        said.append(f"the label was set by a {of.origin}")
    return said


def _whole(of: Findings) -> list[str]:
    """Return what speaks against a label as a whole: the models, and the nearest rows."""
    agree = of.label == of.suggested
    told = [of.label, of.suggested] if of.label in of.chances and not agree else [of.suggested]
    chances = " and ".join(_with_chance(label, of) for label in told)
    said = [f"{_agreement(of)}: {chances}" if agree else f"the models give {chances}", *_members(of)]
    if of.nearest:
        counts = sorted(Counter(of.nearest).items(), key=lambda item: (-item[1], item[0]))
        shares = ", ".join(f"{count} {_apart(of.shown(label))}" for label, count in counts[:SHOWN])
        said.append(f"labels of the {len(of.nearest)} nearest rows: {shares}")
    return said


def _agreement(of: Findings) -> str:
    """Return how far the models agree with a label that they do not suggest to change."""
    return "the models agree" if of.chances.get(of.label, 1.0) >= 0.5 else "the models are unsure of the label"


def _with_chance(label: str, of: Findings) -> str:
    return f"{of.shown(label)} {percent(of.chances[label])}" if label in of.chances else of.shown(label)


def _apart(label: str) -> str:
    """Return a label so that nobody takes the names of a set for several labels."""
    return f"({label})" if ", " in label else label


def _members(of: Findings) -> list[str]:
    """Return what the models say one by one, where they differ from the label or from each other."""
    if set(of.members.values()) <= {of.label} or len(of.members) < 2:
        return []
    by_label: dict[str, list[str]] = {}
    for name, label in of.members.items():
        by_label.setdefault(label, []).append(SEEN_BY.get(name, f"model {name}"))
    return ["; ".join(f"{of.shown(label)} by {' and '.join(names)}" for label, names in by_label.items())]


def percent(share: float) -> str:
    """Return a share for people to read, without calling anything certain."""
    if share < 0.005:
        return "under 1 %"
    return "over 99 %" if share > 0.995 else f"{100 * share:.0f} %"
