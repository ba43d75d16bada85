"""What was found and what is planned, in a few lines for people."""

from collections.abc import Iterable, Sequence

from winnow.commands.init import recipe
from winnow.commands.init.budget import Plan, trained
from winnow.commands.init.kind import GENERATION, SEVERAL, SPANS
from winnow.commands.init.labels import Labels
from winnow.commands.init.sets import MOST
from winnow.commands.init.source import Source
from winnow.commands.terminal import printable
from winnow.kinds.token_classification.cells import NAMES
from winnow.readers import UTF_8

MARKS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "spaces"}
FORMATS = {"csv": "CSV", "tsv": "TSV", "jsonl": "JSON Lines", "parquet": "Parquet", "text": "text files"}
FORMATS |= {"eml": "e-mails", "mbox": "mbox", "conll": "CoNLL", "chat": "conversations"}
SHOWN = 6  # labels by name
CUT = 40  # characters of a label
TOO_FEW = "too few, or too unequal, for a dev and a test of ten each"
NO_GROUP = "none: each row is its own; --group names what ties rows"
NO_DOCUMENT = (
    "none: nothing marks where a document begins, so each sentence is its own; if sentences of one text stand here, "
    "put a line -DOCSTART- before each text, or each text in a file of its own"
)
LEAST_SHOWN = 0.005  # share of the texts with markup, of which less is 0 %


def table(sources: Sequence[Source], labels: Labels) -> str:
    """Return a table of what is there."""
    rows = [row for source in sources for row in _of_source(source)]
    if labels.kind == GENERATION:
        count = sum(source.survey.labelled for source in sources)
        rows.append(("responses", f"{count:,}: a task of kind {GENERATION}"))
    else:
        rows.append(("labels", _labels(labels)))
    if labels.rare:
        why = f"not among the {MOST} most frequent" if len(labels.names) == MOST else "too rare"
        rows.append(
            ("", f"{why}, left {'out' if labels.kind == SEVERAL else 'without a label'}: {_listed(labels.rare)}")
        )
    if renamed := [f"{_cut(old)} = {_cut(new)}" for old, new in labels.becomes.items() if new is not None]:
        rows.append(("", f"the same: {'; '.join(renamed[:SHOWN])}{' …' * (len(renamed) > SHOWN)}"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(printable(f"{name:<{width}}  {told}") for name, told in rows)


def _of_source(source: Source) -> Iterable[tuple[str, str]]:
    found, roles, survey = source.found, source.roles, source.survey
    yield source.found.path.name, f"{FORMATS[found.format]}{_written(source)}, {survey.rows:,} rows{_left_out(source)}"
    if survey.refused:
        yield "", f"{survey.refused:,} cannot be read, the first: {survey.problem}"
    yield "  text", f"{' + '.join(roles.text)}: {_lengths(source)}{_tongues(source)}"
    counts = [f"{survey.empty:,} empty"] * bool(survey.empty)
    counts += [f"{survey.duplicates:,} the same as another"] * bool(survey.duplicates)
    counts += [_markup(source)] * (survey.markup() >= LEAST_SHOWN)
    if counts:
        yield "", ", ".join(counts)
    if roles.label or roles.sets:
        missing = survey.rows - survey.refused - survey.labelled
        told = roles.label or f"{_listed(roles.sets.columns)}: {roles.sets.what}"
        yield "  label", told + (f": {missing:,} rows without" if missing else "")
    if roles.offsets != "characters":
        yield "", f"offsets count {NAMES[roles.offsets]}: counted as characters, they are beyond texts or within words"
    if survey.overlapping:
        rows = f"{survey.overlapping:,} row{'s' * (survey.overlapping > 1)}"
        yield "", f"spans of {rows} overlap: the longest stays (task.overlap), and the ledger has the others"
    yield "  group", _group(source)
    if roles.too_few:
        same = ", since mails of one subject are one thread" if roles.too_few == "thread" else ""
        yield "", f"{roles.too_few} has {survey.groups:,} values{same}: {TOO_FEW}"
    if roles.published:
        form = f", written {roles.published_format}" if roles.published_format else ""
        yield "  date", f"{roles.published}: {survey.first} to {survey.last}{form}" if survey.dates else roles.published
    yield "  key", roles.key or "none: the text's hash"
    if roles.meta:
        yield "  beside", ", ".join(roles.meta)


def _group(source: Source) -> str:
    roles, count = source.roles, source.survey.groups
    if roles.group:
        return f"{roles.group}: {f'{count:,}' if count else 'empty in all rows, so each is its own'}"
    return NO_DOCUMENT if source.found.format == "conll" and not roles.too_few else NO_GROUP


def _written(source: Source) -> str:
    found, dialect = source.found, source.found.dialect
    parts = []
    if found.format in ("csv", "tsv"):
        parts.append(MARKS.get(dialect.delimiter, dialect.delimiter))
        parts += ["no header"] * bool(dialect.header)
        parts += {None: ["nothing quoted"], "'": ["single quotes"]}.get(dialect.quote, [])
    parts += [dialect.encoding] * (dialect.encoding != UTF_8)
    return f" ({', '.join(parts)})" if parts else ""


def _left_out(source: Source) -> str:
    left_out = source.found.left_out
    return f"; {left_out:,} files of other kinds are left out" if left_out else ""


def _lengths(source: Source) -> str:
    survey = source.survey
    return f"about {survey.tokens_at(0.5)} tokens, 95 % have at most {survey.tokens_at(0.95)}"


def _markup(source: Source) -> str:
    stays = ", which stays (clean.default_profile: html takes it out)" if recipe.profile(source) == "plain" else ""
    return f"{source.survey.markup():.0%} with markup{stays}"


def _tongues(source: Source) -> str:
    languages = [f"{code} {share:.0%}" for code, share in source.survey.languages[:3]]
    scripts = [name for name in source.survey.scripts() if name != "Latin"]
    told = [*languages, *(f"{name} letters" for name in scripts)]
    return f"; {', '.join(told)}" if told else ""


def _labels(labels: Labels) -> str:
    if not labels.rows:
        return f"{len(labels.names)}, and no row has one: write rules (docs/automatic-labels.md)"
    counts = sorted(((labels.rows[name], name) for name in labels.names), reverse=True)
    if len(counts) <= SHOWN:
        return ", ".join(f"{_cut(name)} {count:,}" for count, name in counts)
    (most, first), (least, last) = counts[0], counts[-1]
    return f"{len(counts):,}, from {_cut(first)} ({most:,} rows) to {_cut(last)} ({least:,})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_cut, names[:SHOWN])) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def _cut(name: str) -> str:
    return name if len(name) <= CUT else f"{name[:CUT]}…"


def plan(planned: Plan, labelled: int, kind: str) -> str:
    """Return what the first run does, and how long it takes.

    Args:
        labelled: rows with a label.
        kind: of task.
    """
    read = f"reads {planned.max_length} tokens of a text"
    if kind == SPANS:  # of which nothing is cut off
        read = f"reads each text whole, {planned.max_length} tokens at a time"
    used = f"{planned.max_labels:,} of about {trained(labelled):,} labels" if planned.max_labels else "all labels"
    if kind == GENERATION:
        used = used.replace("labels", "responses")
        return (
            f"The first run looks for wrong ones among {min(planned.scored, labelled):,} responses, and trains a small "
            f"language model on {used}, {len(planned.seeds)} times: about {minutes(planned.minutes)} on this machine, "
            f"and more to answer the prompts of dev."
        )
    return (
        f"The first run {read}, adapts by {planned.adapt_tokens:,} tokens and "
        f"trains on {used}, {len(planned.seeds)} times from each encoder: about {minutes(planned.minutes)} on this "
        f"machine."
    )


def minutes(number: float) -> str:
    """Return a time in words."""
    return f"{number / 60:.1f} hours" if number > 90 else f"{max(1, round(number))} minutes"
