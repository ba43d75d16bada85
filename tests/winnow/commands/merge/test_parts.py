"""The parts of a merge: either side first gives the same, and nothing that one side alone changed is lost."""

import copy
import io

import pytest
from hypothesis import example, given
from hypothesis import settings as settings_
from hypothesis import strategies as st
from ruamel.yaml import YAML

from winnow.commands.merge import keys, settings, tables, weave
from winnow.commands.merge.keys import MISSING, Merger
from winnow.commands.merge.trees import Version

TEXTS = st.lists(st.sampled_from("a: 1\n|b: 2\n|c: 3\n|d: 4\n|x: 5 # why\n".split("|")), max_size=8).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([1.0, "a", "né"]),
    lambda inner: (
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        | st.lists(inner, max_size=2)
        | st.lists(st.fixed_dictionaries({"name": st.sampled_from("xyz"), "of": inner}), max_size=3)
    ),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)
LINES = st.lists(st.sampled_from(["é", "1", "2", "3", "\u2028", "a\x0bb"]), max_size=6).map(
    lambda found: "".join(f"{line}\n" for line in found)
)


@given(TEXTS, TEXTS, TEXTS)
def test_a_weave_is_the_same_from_either_side(base, ours, theirs):
    one, other = weave.weave(base, ours, theirs), weave.weave(base, theirs, ours)
    assert weave.resolved(one, "ours") == weave.resolved(other, "theirs")
    assert weave.resolved(one, "theirs") == weave.resolved(other, "ours")


@given(TEXTS, TEXTS)
def test_a_weave_with_an_unchanged_side_is_the_other(base, ours):
    for sides in ((base, ours, base), (base, base, ours), (base, ours, ours)):
        assert weave.weave(*sides) == ours.splitlines(keepends=True)


@settings_(max_examples=50)
@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_keys_merge_alike_from_either_side_and_a_change_of_one_is_kept(base, ours, theirs):
    one, other = Merger(), Merger(lambda conflict: conflict.theirs)
    assert keys.same(one.merge(base, ours, theirs), other.merge(base, theirs, ours))
    assert len(one.conflicts) == len(other.conflicts)
    merged = Merger().merge(base, ours, theirs)
    for key in base.keys() | ours.keys() | theirs.keys():
        before, mine, yours = (side.get(key, MISSING) for side in (base, ours, theirs))
        if keys.same(mine, before):
            assert keys.same(merged.get(key, MISSING), yours)


@settings_(max_examples=20)
@given(MAPPINGS, MAPPINGS, MAPPINGS)
@example({}, {"a": [{"name": "x", "of": None}]}, {"a": [{"name": "x", "of": {"a": None}}]})
def test_parameters_say_what_their_keys_say(base, ours, theirs):
    texts = [_dumped(side) for side in (base, ours, theirs)]
    merged = settings.merge("params.yaml", Version(*texts), "theirs")
    assert bool(merged.conflicts) == ("<<<<<<< ours\n" in merged.text)
    if not merged.conflicts:
        said = YAML(typ="safe").load(merged.text) or {}
        wanted = Merger().merge(*(YAML(typ="safe").load(text) or {} for text in texts))
        assert keys.same(keys.by_name(said), keys.by_name(wanted))
        other = settings.merge("params.yaml", Version(texts[0], *texts[:0:-1]), "ours")
        assert keys.same(said, YAML(typ="safe").load(other.text) or {})


def _dumped(document: dict) -> str:
    out = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(copy.deepcopy(document), out)
    return out.getvalue()


@given(LINES, LINES, LINES)
def test_lines_merge_alike_from_either_side_and_none_is_lost(base, ours, theirs):
    merged = tables.lines(Version(base, ours, theirs))
    assert merged == tables.lines(Version(base, theirs, ours))
    before, mine, yours = (set(text.split("\n")) - {""} for text in (base, ours, theirs))
    assert set(merged.split("\n")) - {""} == (before & mine & yours) | (mine - before) | (yours - before)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "order"),
    [
        ("abc", "abc", "cab", "cab"),
        ("abc", "axbc", "abyc", "abcxy"),
        ("abc", "axbc", "abc", "axbc"),
        ("", "b", "a", "ab"),
    ],
)
def test_the_order_of_names(base, ours, theirs, order):
    assert keys.order(*map(list, (base, ours, theirs))) == list(order)
    assert keys.order(*map(list, (base, theirs, ours))) == list(order)


def test_a_torn_answer_is_left_out():
    whole = '{"key": "a", "answer": "A"}\n'
    torn = whole + '{"key": "b", "ans'
    assert tables.answers(Version("", torn, whole)) == whole


def test_a_model_s_file_with_two_hashes_is_named():
    assert tables.twice("# c\n0  model/a\n1  model/b\n2  model/a\n") == ["model/a"]


def test_one_name_with_two_contents_is_a_conflict_and_not_half_of_each():
    merger = Merger()
    sides = ({"approaches": {}}, {"approaches": {"mine": {"a": 1}}}, {"approaches": {"mine": {"b": 2}}})
    merger.merge(*sides)
    assert [conflict.key for conflict in merger.conflicts] == ["approaches.mine"]
