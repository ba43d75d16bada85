"""The report's blocks, in the order in which a reviewer needs them: verdict, metrics, rows, data, the rest folded."""

import json
from collections.abc import Iterator, Mapping, Sequence, Sized

from winnow.commands.diff import evidence
from winnow.commands.diff.document import Block, Bullets, Folded, Foreign, Heading, Line, Paragraph, Strong, Table
from winnow.commands.diff.verdict import NONE, flips, rows, shown

SEEN = 3  # examples that are seen at once
ARMS, CLASSES, ALARMS = 6, 5, 6  # lines of each that are seen at once
COUNTS = 12  # lines of a folded count
LISTED = 40  # lines of other folded tables
WAYS = {"removed": "removed", "added": "added", "changed": "text changed", "relabelled": "relabelled"}


def blocks(found: Mapping) -> Iterator[Block]:
    """Yield the report's blocks.

    Args:
        found: what `report.made` says.
    """
    verdict = found["verdict"]
    yield Heading(["Winnow: ", *_revision(found["base"]), " → ", *_revision(found["head"])])
    yield Paragraph([Strong(f"{verdict['word']}."), f" {_capital(verdict['sentence'])}."])
    further = [alarm for alarm in verdict["alarms"] if alarm not in verdict["sentence"]]
    if further or found["leaks"]:
        yield Bullets([*map(_leak, found["leaks"]), *([f"⚠ {alarm}"] for alarm in further[:ALARMS])])
    yield from _duplicates(found["duplicates"])
    yield from _metrics(found)
    yield from _rows_of_data(found["data"])
    yield from _summaries(found)
    yield from _folded(found)


def _revision(side: Mapping[str, str]) -> Line:
    name, commit = side["name"], side["commit"]
    if not commit:
        return [Foreign(name)]
    return [Foreign(name)] if commit.startswith(name) else [Foreign(name), " (", Foreign(commit[:12]), ")"]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _leak(leak: Mapping) -> Line:
    new = "" if leak["is_new"] else " (at BASE too)"
    ids = [part for id in leak["ids"][:SEEN] for part in (" ", Foreign(id))]
    return [f"⛔ {rows(leak['rows'])} {leak['what']}{new}:", *ids]


def _duplicates(told: Mapping) -> Iterator[Block]:
    """Yield how many rows have a duplicate in another split, before and after, where there is one or pairs changed."""
    before, after = told["pairs"]
    if not any(told["rows"]) and before == after:
        return
    kinds = [f"{_sides(pair)} {what}" for what, pair in told["kinds"].items()]
    parts = f" ({'; '.join(kinds)})" if kinds else ""
    pairs = "" if before is None is after else f"; {_sides(told['pairs'])} pairs that say the same in other words"
    line = f"Duplicates across splits, before → after: {_sides(told['rows'])} rows{parts}{pairs}."
    yield Paragraph([line])


def _sides(pair: Sequence[int | None]) -> str:
    return " → ".join("not known" if count is None else f"{count:,}" for count in pair)


# Metrics


def _metrics(found: Mapping) -> Iterator[Block]:
    metrics = found["metrics"]
    if "reason" in metrics:
        yield Paragraph([_capital(f"{metrics['reason']}.")])
        return
    name, words = found["headline"]["name"], found["headline"]["words"]
    seen, noise = [], []
    for arm, told in metrics["arms"].items():
        apart = _is_apart(told["model"][name]) or _is_apart(told["all"][name])
        (seen if apart or arm == metrics["judged"] else noise).append(arm)
    header = [f"{words[name]} on {found['split']}", "before → after", "change of the model"]
    yield Table(header, [_arm(arm, metrics["arms"][arm], found) for arm in seen[:ARMS]])
    same = [arm for arm in noise if metrics["arms"][arm]["unchanged"]]
    if len(noise) > len(same):
        yield Paragraph([f"{_capital(NONE)}: ", *_joined([arm for arm in noise if arm not in same]), "."])
    if same:
        yield Paragraph(["The same predictions: ", *_joined(same), "."])
    yield from _parts(found)
    classes = [line for line in metrics["slices"] if _is_apart(line)]
    if classes:
        header = ["share of right rows", "before → after", "change"]
        yield Table(header, [_slice(line) for line in classes[:CLASSES]])
    yield from _turned(metrics["turned"]["broken"], "Newly wrong where BASE was right", SEEN)


def _is_apart(part: Mapping[str, float]) -> bool:
    return part["low"] > 0 or part["high"] < 0


def _arm(arm: str, told: Mapping, found: Mapping) -> Sequence[Line]:
    name, is_share = found["headline"]["name"], found["headline"]["is_share"]
    before, after = (_value(told[side][name], is_share) for side in ("base", "head"))
    change = "the same predictions" if told["unchanged"] else shown(told["model"][name], is_share)
    if not told["unchanged"] and not _is_apart(told["model"][name]):
        change = f"{NONE}: {change}"
    alone = "" if told["is_judged"] or told["unchanged"] else "; one run, no seeds"
    return [[Foreign(arm)], [f"{before} → {after}"], [change + alone]]


def _value(value: float, is_share: bool) -> str:
    return f"{value:.3f}" if is_share else f"{value:.3g}"


def _parts(found: Mapping) -> Iterator[Block]:
    """Yield how the change is split, where labels or rows have a part in it, and the rows that turned."""
    metrics, headline = found["metrics"], found["headline"]
    judged = metrics["judged"]
    arm = metrics["arms"][judged]
    base, head = metrics["rows"]
    if metrics["common"] != base or metrics["common"] != head:
        yield Paragraph(
            [
                f"Evaluation rows differ: BASE has {base:,} on {found['split']}, HEAD {head:,}; models are compared on "
                f"the {metrics['common']:,} that both have{', with the same text' * metrics['by_text']}."
            ]
        )
    name, is_share = headline["name"], headline["is_share"]
    parts = [f"{what} {shown(arm[what][name], is_share)}" for what in ("model", "labels", "rows") if arm[what]]
    if metrics["relabelled"] or arm["rows"]:
        every = shown(arm["all"][name], is_share)
        yield Paragraph(
            [
                "The change of ",
                Foreign(judged),
                f", {every}, is {', '.join(parts)}; {rows(metrics['relabelled'])} of {found['split']} relabelled.",
            ]
        )
    if not arm["unchanged"]:
        share = arm["broken"] / metrics["common"]
        test = arm["sign_test"]
        mcnemar = (
            f" More rows turned right than wrong in {test['better']} groups, the reverse in {test['worse']}: exact "
            f"sign test over groups (McNemar's), p = {test['p']:.2g}."
            if test
            else ""
        )
        runs = len(arm["seeds"])
        each = f", mean of {runs} runs" if runs > 1 else ""
        yield Paragraph([f"{_capital(flips(arm))} ({share:.1%} of {metrics['common']:,} rows broke){each}.{mcnemar}"])
    if apart := metrics["best_apart"]:
        first, second = metrics["best"]
        change = shown(apart, is_share)
        lead = f": {change} from the one to the other. It was chosen on dev, so that its lead is rather too large."
        yield Paragraph(["The best on dev was ", Foreign(first), ", is ", Foreign(second), lead])


def _slice(line: Mapping) -> Sequence[Line]:
    return [
        [f"{line['dimension']} ", Foreign(line["name"])],
        [f"{line['base']:.1%} → {line['head']:.1%}"],
        [f"{shown(line, True)}, {rows(line['rows'])}"],
    ]


def _turned(turned: Mapping, title: str, most: int) -> Iterator[Block]:
    if turned["examples"]:
        yield Paragraph([f"{title}: {rows(turned['rows'])} in most runs, such as"])
        yield Bullets([_example(example) for example in turned["examples"][:most]])


def _example(example: Mapping) -> Line:
    label: Line = [Foreign(example["label"])]
    if example["old_label"] != example["label"]:
        label = [*label, " (was ", Foreign(example["old_label"]), ")"]
    said = [*_joined(example["base"]), " → ", *_joined(example["head"])]
    runs = f" in {example['runs']} of {example['of']} runs" if example["of"] > 1 else ""
    return [
        *said,
        f"{runs}, label ",
        *label,
        ": ",
        Foreign(example["text"]),
        " ",
        Foreign(f"winnow why {example['id']}"),
    ]


def _joined(names: Sequence[str]) -> Line:
    return [part for name in names for part in (", ", Foreign(name))][1:]


# Data


def _rows_of_data(data: Mapping) -> Iterator[Block]:
    if "reason" in data:
        yield Paragraph([_capital(f"{data['reason']}.")])
        return
    lines = []
    for name, words in WAYS.items():
        if data[name]["rows"]:
            causes = data[name]["by_cause" if name == "relabelled" else "by_rule"]
            lines.append([[words], [f"{data[name]['rows']:,}"], _counts(causes, SEEN)])
    if data["moved"]:
        lines.append([["moved"], [f"{sum(data['moved'].values()):,}"], _counts(data["moved"], SEEN)])
    before, after = data["rows"]
    change = f"{before:,} rows" if before == after else f"{before:,} → {after:,} rows"
    trained = data["training"]
    if None not in trained:
        change += f", {_arrow(trained)} to train on"
    if lines:
        yield Table([f"data: {change}", "rows", "by"], lines)
    else:
        yield Paragraph([f"Data: {change}; no row was added, removed, changed or relabelled."])
    if data["drift"]:
        measures = [part for name in list(data["drift"])[:SEEN] for part in (", ", Foreign(name))][1:]
        more = f", and {len(data['drift']) - SEEN} more" if len(data["drift"]) > SEEN else ""
        yield Paragraph(["Drift beyond a limit of validate.drift: ", *measures, f"{more}."])


def _arrow(pair: Sequence[int]) -> str:
    return f"{pair[0]:,}" if pair[0] == pair[1] else f"{pair[0]:,} → {pair[1]:,}"


def _counts(counts: Mapping[str, int], most: int) -> Line:
    line: list = []
    for name, count in list(counts.items())[:most]:
        line += [", ", Foreign(name), f" {count:,}"]
    more = f", and {len(counts) - most} more" if len(counts) > most else ""
    return [*line[1:], more] if line else ["—"]


def _summaries(found: Mapping) -> Iterator[Block]:
    decisions, setup = found["decisions"], found["setup"]
    if decisions["added"] or decisions["removed"]:
        people = [
            part
            for who, verdicts in decisions["by_reviewer"].items()
            for part in (", ", Foreign(who), " ", *_counts(verdicts, 4))
        ]
        gone = f"; {decisions['removed']:,} taken back" if decisions["removed"] else ""
        yield Paragraph([f"Decisions: {decisions['added']:,} new", *people, f"{gone}.{_agreement(decisions)}"])
    changed = f"{_several(setup['params'], 'parameter')}, {_several(setup['packages'], 'package')}"
    code, again = (_several(setup[key], "stage") for key in ("code", "stages"))
    has = "has" if len(setup["stages"]) == 1 else "have"
    line = f"Changed: {changed}, the code of {code}; {again} {has} other inputs or results{_cost(setup['training'])}."
    yield Paragraph([line])
    if setup["machine"]:
        yield Paragraph(
            [
                "⚠ Computed on another machine: ",
                *_joined(list(setup["machine"])[:SEEN]),
                "; last bits, and what follows from them, may be the machine's.",
            ]
        )


def _several(of: Sized, what: str) -> str:
    return f"{len(of):,} {what}" if len(of) == 1 else f"{len(of):,} {what}s"


def _cost(tokens: Sequence[int | None]) -> str:
    """Return what all training reads, where it is known and another."""
    before, after = tokens
    return "" if None in tokens or before == after else f"; all training reads {before:,} → {after:,} tokens"


def _agreement(decisions: Mapping) -> str:
    new, _ = decisions["agreement"]
    told = (
        f" Several people decided on {new['rows']:,} of these rows and agree on {new['agreed']:,}."
        if new["rows"]
        else ""
    )
    conflicts = len(decisions["new_conflicts"])
    return told + (f" ⚠ {rows(conflicts)} in conflict." if conflicts else "")


# Folded


def _folded(found: Mapping) -> Iterator[Block]:
    metrics, data = found["metrics"], found["data"]
    if "reason" not in metrics:
        yield from _all_metrics(found)
        yield from _evidence(found["evidence"])
        for name, title in (("broken", "Newly wrong"), ("fixed", "Newly right")):
            turned = metrics["turned"][name]
            if len(turned["examples"]) > (SEEN if name == "broken" else 0):
                lines = Bullets([_example(example) for example in turned["examples"]])
                yield Folded([f"{title}: {len(turned['examples'])} of {rows(turned['rows'])}"], [lines])
    if "reason" not in data:
        yield from _all_data(data)
    if found["decisions"]["new_conflicts"]:
        ids = [part for id in found["decisions"]["new_conflicts"][:LISTED] for part in (", ", Foreign(id))][1:]
        yield Folded(["Rows on which people disagree"], [Paragraph(ids)])
    yield from _all_setup(found["setup"])


def _all_metrics(found: Mapping) -> Iterator[Block]:
    metrics, words = found["metrics"], found["headline"]["words"]
    is_share = found["headline"]["is_share"]
    lines = [
        [
            [Foreign(arm), f" {words.get(name, name)}"],
            [f"{_value(told['base'][name], is_share)} → {_value(told['head'][name], is_share)}"],
            ["the same" if told["unchanged"] else shown(told["model"][name], is_share)],
            ["the same" if told["unchanged"] else shown(told["all"][name], is_share)],
        ]
        for arm, told in metrics["arms"].items()
        for name in told["model"]
    ]
    note = (
        f"Model: both models scored on HEAD's labels of the rows that both have. All: as each revision's report has "
        f"it. Intervals of {metrics['confidence']:.0%} over groups and seeds, as the stage compare makes them, for "
        f"{metrics['judged']} alone; those of other arms, classes and slices are wider, so that one comparison in "
        f"{round(1 / (1 - metrics['confidence']))} errs, however many they are."
    )
    blocks: list[Block] = [Table(["", "before → after", "model", "all"], lines), Paragraph([note])]
    if metrics["left_out"]:
        blocks.append(Paragraph(["Only one revision has ", *_joined(metrics["left_out"]), "."]))
    yield Folded(["All metrics"], blocks)
    if metrics["slices"]:
        table = Table(["share of right rows", "before → after", "change"], [_slice(line) for line in metrics["slices"]])
        yield Folded(["Classes, sources and lengths"], [table])


def _evidence(told: Mapping) -> Iterator[Block]:
    """Yield the changed cells of the confusion matrix, and what a confidence is worth, before and after."""
    if cells := evidence.changed(told.get("confusion", [])):
        lines = [
            [[Foreign(cell["actual"]), " → ", Foreign(cell["predicted"])], [f"{cell['base']:.1%} → {cell['head']:.1%}"]]
            for cell in cells
        ]
        note = ["Of the rows of a class on dev, the share that ", Foreign(told["approach"]), " takes for a class."]
        title = f"What is taken for what: {len(cells)} cells changed most"
        yield Folded([title], [Table(["label → predicted", "before → after"], lines), Paragraph(note)])
    bins = told.get("calibration", [])
    if any(each["base"] != each["head"] for each in bins):
        lines = [[[f"{each['low']:.0%} to {each['high']:.0%}"], [_right(each)]] for each in bins]
        note = ["Of the rows on dev of which ", Foreign(told["approach"]), " is so sure, the share that is right."]
        yield Folded(["Calibration"], [Table(["confidence", "right, before → after (rows)"], lines), Paragraph(note)])


def _right(each: Mapping) -> str:
    sides = [each["base"], each["head"]]
    shares, counts = (" → ".join("—" if side is None else shape(side) for side in sides) for shape in (_share, _number))
    return f"{shares} ({counts})"


def _share(side: Mapping) -> str:
    return f"{side['accuracy']:.0%}"


def _number(side: Mapping) -> str:
    return f"{side['rows']:,}"


def _all_data(data: Mapping) -> Iterator[Block]:
    for name, words in WAYS.items():
        told = data[name]
        if not told["rows"]:
            continue
        blocks: list[Block] = []
        of_class = "class before" if name == "relabelled" else "class"
        for key, title in (("by_rule", "rule"), ("by_cause", "cause"), ("ways", "from → to"), ("by_class", of_class)):
            if told.get(key):
                lines = [[[Foreign(each)], [f"{count:,}"]] for each, count in list(told[key].items())[:COUNTS]]
                blocks.append(Table([title, "rows"], lines))
        if told.get("by_source"):
            blocks.append(Paragraph(["Sources: ", *_counts(told["by_source"], COUNTS), "."]))
        blocks.append(Bullets([_row(example, name) for example in told["examples"]]))
        yield Folded([f"{_capital(words)}: {rows(told['rows'])}"], blocks)
    before, after = data["by_class"]
    names = sorted(before.keys() | after.keys())
    lines = [[[Foreign(name)], [_arrow((before.get(name, 0), after.get(name, 0)))]] for name in names[:LISTED]]
    yield Folded(["Rows by class"], [Table(["class", "rows"], lines)])
    if data["drift"]:
        lines = [[[Foreign(name)], [f"{told['value']:.3g}"], [told["status"]]] for name, told in data["drift"].items()]
        note = "HEAD's profile against BASE's, by the limits of validate.drift."
        yield Folded(["Drift"], [Table(["measure", "distance", ""], lines), Paragraph([note])])


def _row(example: Mapping, what: str) -> Line:
    label: Line = [Foreign(example["label"] or "(no label)")]
    if "change" in example:
        label = [Foreign(example["change"])]
    elif what == "relabelled":
        label = [Foreign(example["before"] or "(no label)"), " → ", *label]
    text: Line = [Foreign(example["text"])]
    if "text_after" in example:
        text = [*text, " → ", Foreign(example["text_after"])]
    return [*label, " (", Foreign(example["cause"]), "): ", *text, " ", Foreign(f"winnow why {example['id']}")]


def _all_setup(setup: Mapping) -> Iterator[Block]:
    for key, title in (("params", "Parameters"), ("packages", "Packages"), ("machine", "Machine")):
        if setup[key]:
            lines = [[[Foreign(name)], _values(*pair)] for name, pair in list(setup[key].items())[:LISTED]]
            more = [Paragraph([f"And {len(setup[key]) - LISTED} more."])] if len(setup[key]) > LISTED else []
            yield Folded([f"{title}: {len(setup[key])}"], [Table(["", "before → after"], lines), *more])
    if setup["code"]:
        lines = [[[Foreign(stage)], _joined(files[:8])] for stage, files in list(setup["code"].items())[:LISTED]]
        yield Folded([f"Code: {_several(setup['code'], 'stage')}"], [Table(["stage", "files and packages"], lines)])
    if setup["stages"]:
        lines = [
            [[Foreign(name)], _joined(told["why"][:5]), [_seconds(told["seconds"])]]
            for name, told in list(setup["stages"].items())[:LISTED]
        ]
        blocks = [Table(["stage", "what differs", "took here"], lines)]
        yield Folded([f"Stages that ran again: {len(setup['stages'])}"], blocks)


def _values(before: object, after: object) -> Line:
    return [Foreign(_json(before)), " → ", Foreign(_json(after))]


def _json(value: object) -> str:
    if value is None:
        return "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _seconds(seconds: float | None) -> str:
    return "—" if seconds is None else f"{seconds:,.0f} s"
