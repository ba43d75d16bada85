"""Personal data is found where it is, not in the numbers of science; masking twice changes nothing."""

import ipaddress
import json
import random
import shutil
import time
from itertools import pairwise

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban, luhn

from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.text.cleaning import personal

KINDS = ("email", "iban", "card", "ip", "phone")
REGIONS = ("US", "GB", "DE")
REPORT = {"action": "report", "kinds": ["email"], "regions": [], "names": None}


def parse(**changes) -> personal.PersonalData:
    return params.parse(REPORT | changes, personal.PersonalData, "params.yaml: clean.personal_data")


def masked(text: str) -> str:
    return personal.mask(text, KINDS, REGIONS)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to ann.lee+lab@sub.example.co.uk.", "Write to [EMAIL]."),
        ("mailto:ann@example.org?subject=x", "mailto:[EMAIL]?subject=x"),
        ("(ANN@EXAMPLE.ORG)", "([EMAIL])"),
        ("Ann <ann_lee@163.com>, ann@uni-köln.de", "Ann <[EMAIL]>, [EMAIL]"),
        ("ann@example.hospital", "[EMAIL]"),
        ("Pay to GB82 WEST 1234 5698 7654 32 NOW", "Pay to [IBAN] NOW"),
        ("DE89370400440532013000", "[IBAN]"),
        # A sentence that goes on right behind, in scripts without spaces and in Korean.
        ("请联系ann@example.org谢谢。", "请联系[EMAIL]谢谢。"),
        ("ann@example.orgまでご連絡を", "[EMAIL]までご連絡を"),
        ("ติดต่อann@example.orgครับ", "ติดต่อ[EMAIL]ครับ"),
        ("ann@example.org으로 보내", "[EMAIL]으로 보내"),
        ("账号DE89370400440532013000谢谢", "账号[IBAN]谢谢"),
        ("卡号4111111111111111谢谢", "卡号[CARD]谢谢"),
        ("从93.184.216.34访问", "从[IP]访问"),
        ("电话+442071838750谢谢", "电话[PHONE]谢谢"),
        ("card 4111 1111 1111 1111, exp 12/27", "card [CARD], exp 12/27"),
        ("5555-5555-5555-4444", "[CARD]"),
        ("378282246310005 and 3782 822463 10005", "[CARD] and [CARD]"),
        ("seen from 93.184.216.34:8080", "seen from [IP]:8080"),
        ("http://8.8.8.8/x", "http://[IP]/x"),
        ("IP address 1.1.1.1", "IP address [IP]"),
        ("at 2606:4700:4700::1111.", "at [IP]."),
        ("Call +44 20 7183 8750 now", "Call [PHONE] now"),
        ("Tel. +1 (212) 555-0123 ext. 12", "Tel. [PHONE]"),
        ("ring (212) 555-0123", "ring [PHONE]"),
        ("Phone: 2125550123", "Phone: [PHONE]"),
        ("Fax 020 7183 8750", "Fax [PHONE]"),
        ("030 901820 in Berlin", "[PHONE] in Berlin"),
    ],
)
def test_personal_data_is_masked(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        # materials, genes, enzymes, ratios
        "Fe3O4@SiO2.The particles", "AgNPs@Chitosan", "prec@10.of", "Pt@CeO2@MoS2.", "ZIF-8@Au.In vivo",
        "Gad2::CreERT2", "randomized 1:1:1:1", "lim-7p::ced-1::GFP", "12:34:56", "2021:05:11::x",
        "acetylcholinesterase (EC 3.1.1.7)", "EC 1.14.99.1 and 3.2.1.26", "version 91.0.4472.124", "section 8.2.1.2",
        # p values, ranges, counts, dates
        "p = 0.00123", "1234-5678", "(1234-5678)", "95% CI 31.0-167.1", "5.446-106.237", "02/2015-03/2016",
        "2015-2016", "419 (2014) 102-106", "44 291/59 312", "n = 1687", "16871 EU/mg", "6134041.20 1/cm2",
        "3374.9-7264.2 kits", "10 000 000 000 cells", "1 2 3 4 5 6 7 8 9 10", "0.826-0.833", "2020-01-01 12:00:00",
        # registrations and accessions
        "NCT02581813", "NCT#02581813.", "ISRCTN58327365", "PBANKA_0305900", "ACTRN 12617000863336",
        "RR2-10.1136/bmjopen-2019-032455", "DOI: 10.1177/11786329211010126", "chr10:115386962-115390436",
        "0000-0002-1825-0097", "ISBN 978-3-16-148410-0", "PMID 12345678", "PROSPERO CRD42020161927", "rs7903146",
        # wrong check digits, wrong lengths, private addresses, rows of tables
        "4111 1111 1111 1112", "GB83 WEST 1234 5698 7654 32", "192.168.0.1", "127.0.0.1", "999.1.1.1",
        "1111 4111 1111 1111 1111", "4111 1111 1111 1111 1111", "fe80::1", "2001:db8::1:2",
    ],
)  # fmt: skip
def test_the_numbers_of_science_stay(text):
    assert personal.mask(text, KINDS, REGIONS) == (text, {})


def test_counts_are_by_kind_and_only_chosen_kinds_are_masked():
    text = "ann@example.org, bob@example.org, +44 20 7183 8750"
    assert personal.mask(text, KINDS) == ("[EMAIL], [EMAIL], [PHONE]", {"email": 2, "phone": 1})
    assert personal.mask(text, ["phone"]) == ("ann@example.org, bob@example.org, [PHONE]", {"phone": 1})
    assert personal.mask(text, []) == (text, {})


def test_national_numbers_need_their_country():
    assert personal.mask("ring (212) 555-0123", KINDS, ["US"])[1] == {"phone": 1}
    assert personal.mask("ring (212) 555-0123", KINDS, [])[1] == {}


CARDS = st.builds(
    lambda prefix, rest: (prefix + rest[: 15 - len(prefix)]) + luhn.calc_check_digit(prefix + rest[: 15 - len(prefix)]),
    st.sampled_from(["4", "51", "2221", "2720", "6011", "3528", "62"]),
    st.text("0123456789", min_size=15, max_size=15),
)
LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
EMAILS = st.builds("{}.{}@{}.{}".format, LOCAL, LOCAL, LOCAL, st.sampled_from(["com", "org", "de", "co.uk", "edu"]))
GLOBAL_IPS = st.ip_addresses(v=4).filter(lambda address: address.is_global and int(address) >> 24 > 7).map(str)
GLOBAL_IPS |= st.integers(2**16, 2**120 - 1).map(lambda low: str(ipaddress.IPv6Address(0x2600 << 112 | low | 1)))
PHONES = st.sampled_from(
    [
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        if (number := phonenumbers.example_number(region)) is not None
    ]
)


def _iban(country: str, length: int, seed: int) -> str:
    digits = "".join(random.Random(seed).choices("0123456789", k=length))
    return iban.format(country + iban.calc_check_digits(f"{country}00{digits}") + digits)


IBANS = st.builds(
    lambda kind, seed: _iban(*kind, seed), st.sampled_from([("DE", 18), ("AT", 16), ("DK", 14)]), st.integers(0, 10**6)
)
BEFORE = st.sampled_from(["", "see ", "(", "p = 0.05; ", "– "])
AFTER = st.sampled_from(["", ".", ", and", ") or", " [3]"])


@pytest.mark.parametrize(
    ("kind", "values"), [("card", CARDS), ("email", EMAILS), ("ip", GLOBAL_IPS), ("phone", PHONES), ("iban", IBANS)]
)
@given(data=st.data(), before=BEFORE, after=AFTER)
def test_valid_data_is_found_wherever_it_stands(kind, values, data, before, after):
    value = data.draw(values)
    assert personal.mask(f"{before}{value}{after}", KINDS) == (f"{before}[{kind.upper()}]{after}", {kind: 1})


@given(CARDS, st.integers(0, 15), st.integers(1, 9))
def test_a_card_with_one_digit_wrong_is_no_card(card, place, shift):
    wrong = card[:place] + str((int(card[place]) + shift) % 10) + card[place + 1 :]
    assert personal.mask(wrong, ["card"]) == (wrong, {})


PIECES = st.one_of(
    CARDS, EMAILS, GLOBAL_IPS, PHONES, IBANS,
    st.sampled_from([" ", "", "-", ".", "+", "@", "(", "]", "[EMAIL]", "[PHONE]", "2125550123", "Tel ", "1", "a"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_masking_twice_changes_nothing_and_findings_do_not_overlap(text):
    once, counts = personal.mask(text, KINDS, ["US"])
    assert personal.mask(once, KINDS, ["US"]) == (once, {})
    assert sum(once.count(f"[{kind.upper()}]") - text.count(f"[{kind.upper()}]") for kind in KINDS) == sum(
        counts.values()
    )
    found = personal.find(text, KINDS, ["US"])
    assert all(first[1] <= second[0] for first, second in pairwise(found))


@pytest.mark.parametrize("text", ["a" * 200_000, "a." * 100_000 + "@", "A1" * 100_000, "1.1." * 5_000, "1 " * 5_000])
def test_the_time_grows_with_the_length_alone(text):
    start = time.process_time()
    assert personal.mask(text, KINDS, ["US"]) == (text, {})
    assert time.process_time() - start < 10  # seconds; with time that grows as the square it is minutes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kinds": []}, "kinds names no kind; name one, or switch off by action: off"),
        ({"kinds": ["passport"]}, r"clean\.personal_data\.kinds\[0\]"),
        ({"action": "hide"}, "clean.personal_data.action"),
        ({"regions": ["UK"]}, "regions: 'UK' is no ISO 3166 country code; Great Britain is GB"),
        ({"kinds": ["name"]}, "kind 'name' and a model in `names` need each other"),
        ({"names": {"folder": "ner", "sha256": "0" * 64, "labels": ["PER"]}}, "need each other; give both or neither"),
        ({"kinds": ["name"], "names": {"folder": "ner", "sha256": "0", "labels": ["PER"]}}, "names.sha256"),
        ({"threshold": 0.5}, "clean.personal_data.threshold: unknown parameter"),
    ],
)
def test_mistakes_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        parse(**changes)


def test_switched_off_it_asks_for_nothing():
    assert parse(action="off", kinds=[]).action == "off"


PEOPLE = ["ann", "bob", "lee"]
WORDS = ["saw", "and", "met", "here", "today", "[", "]", "name", "email", ".", ","]


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """A token classifier that knows three names, made by hand."""
    import torch
    from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast

    from tests.tiny_encoder import SPECIAL

    folder = tmp_path_factory.mktemp("ner")
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *PEOPLE, *WORDS])}
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    labels = {"id2label": {0: "O", 1: "B-PER"}, "label2id": {"O": 0, "B-PER": 1}}
    config = BertConfig(vocab_size=len(vocabulary), max_position_embeddings=32, **shape, **labels)
    model = BertForTokenClassification(config)
    direction = torch.tensor([1.0, -1.0] * 8)
    with torch.no_grad():  # what is not set here is zero: a token's label is the sign of its embedding
        for name, weights in model.named_parameters():
            weights.fill_("LayerNorm.weight" in name)
        words = model.bert.embeddings.word_embeddings.weight
        words[:] = -direction
        words[len(SPECIAL) : len(SPECIAL) + len(PEOPLE)] = direction
        model.classifier.weight[:] = torch.stack([-direction, direction])
    model.save_pretrained(folder)
    BertTokenizerFast(vocab=vocabulary).save_pretrained(folder)
    return personal.Names(folder=str(folder), sha256=files.sha256(folder / "model.safetensors"), labels=["PER"])


def test_names_are_masked_by_a_given_model_also_far_into_a_text(tagger):
    kinds = [*KINDS, "name"]
    assert personal.mask("Ann met Bob here.", kinds, (), tagger) == ("[NAME] met [NAME] here.", {"name": 2})
    long = "saw " * 100 + "Lee today"
    once = personal.mask(long, kinds, (), tagger)
    assert once == ("saw " * 100 + "[NAME] today", {"name": 1})
    assert personal.mask(once[0], kinds, (), tagger) == (once[0], {})
    assert personal.mask("Ann met Bob", KINDS) == ("Ann met Bob", {})
    assert personal.mask("  ", kinds, (), tagger) == ("  ", {})


def test_a_model_that_is_missing_changed_or_broken_is_named(tagger, tmp_path):
    def use(**changes):
        personal.mask("Ann", ["name"], (), tagger.model_copy(update=changes))

    with pytest.raises(UserError, match=r"clean\.personal_data\.names\.folder: .*nowhere/model\.safetensors not found"):
        use(folder=str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"clean\.personal_data\.names\.sha256: .* has .*, not 0000"):
        use(sha256="0" * 64)
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match="no token-classification model that transformers can load"):
        use(folder=str(tmp_path), sha256=files.sha256(tmp_path / "model.safetensors"))


@pytest.mark.parametrize(
    "change",
    [
        {"num_attention_heads": 0},
        {"num_hidden_layers": "one"},
        {"hidden_size": None},
        {"hidden_act": "none such"},
        {"id2label": []},
        {"id2label": {"a": "O"}},
        {"max_position_embeddings": "many"},
        {"max_position_embeddings": None},
        {"model_type": ["bert"]},
        {"model_type": "none such"},
    ],
    ids=str,
)
def test_a_model_of_odd_values_is_one_line(tagger, tmp_path, change):
    shutil.copytree(tagger.folder, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(UserError, match=f"{tmp_path.name}: no token-classification model"):
        personal.mask("Ann", ["name"], (), tagger.model_copy(update={"folder": str(tmp_path)}))


@settings(max_examples=200)
@given(st.lists(PIECES, max_size=8).map("".join), st.sampled_from([(), REGIONS]))
def test_every_text_with_a_finding_is_a_suspect(text, regions):
    for kind in KINDS:
        pattern = personal.suspects(parse(kinds=[kind], regions=list(regions)))
        if personal.find(text, [kind], regions):
            assert pc.match_substring_regex(pa.array([text]), pattern)[0].as_py()
