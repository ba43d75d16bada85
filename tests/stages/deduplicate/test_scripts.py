"""deduplicate in many scripts: what is one text, what is another, and what is nearly the same."""

import random
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.deduplicate import compare
from tests.stages.deduplicate.test_deduplicate import run
from winnow.text import sketch

# Texts that differ in meaning, however little in form.
DIFFERENT = [
    ("Hindi", "वह दुकान जाता है और सामान लाता है", "वह दुकान जाती है और सामान लाती है"),
    ("Hindi", "किताब दी", "किताब दो"),
    ("Marathi", "तो घरी गेला", "ती घरी गेली"),
    ("Nepali, the nasal dot", "हस", "हंस"),
    ("Bengali", "বাংলা ভাষা", "বাংলি ভাষু"),
    ("Punjabi", "ਗੁਰੂ ਘਰ", "ਗੁਰ ਘਰ"),
    ("Gujarati", "તે ગયો", "તે ગયા"),
    ("Tamil", "தமிழ் மொழி கலை", "தமிழா மொழு கலி"),
    ("Telugu", "వాడు వచ్చాడు", "వాడు వచ్చేడు"),
    ("Kannada", "ಅವನು ಬಂದ", "ಅವನು ಬಂದು"),
    ("Malayalam", "അവൻ വന്നു", "അവൻ വന്നി"),
    ("Sinhala", "ඔහු ගියා", "ඔහු ගියේ"),
    ("Thai, tone", "ป้าไปตลาด", "ป่าไปตลาด"),
    ("Thai, a word", "ใกล้", "ไกล"),
    ("Thai, not", "อาหารอร่อยมาก", "อาหารไม่อร่อยมาก"),
    ("Lao, tone", "ຂ້າວ", "ຂ່າວ"),
    ("Khmer, vowel", "ទៅផ្សារ", "ទីផ្សារ"),
    ("Burmese, tone", "စာ", "စား"),
    ("Chinese", "他去商店", "她去商店"),
    ("Chinese, not", "我喜欢这个产品", "我不喜欢这个产品"),
    ("Chinese, the last character", "这家餐厅的服务员态度很好", "这家餐厅的服务员态度很差"),
    ("Japanese, not", "この店の料理はとても美味しかったです", "この店の料理はあまり美味しくなかったです"),
    ("Japanese, voice", "かき", "かぎ"),
    ("Katakana, length", "ビル", "ビール"),
    ("Korean", "밥을 먹었다", "밥을 먹였다"),
    ("Arabic, pointed", "كَتَبَ الدرس", "كُتِبَ الدرس"),
    ("Hebrew, pointed", "סֵפֶר", "סַפָּר"),
    ("Syriac, pointed", "ܡܰܠܟܳܐ", "ܡܶܠܟܳܐ"),
    ("Tibetan, vowel", "མི་འགྲོ", "མེ་འགྲོ"),
    ("Vietnamese, tone", "ma", "má"),
    ("Greek, accent", "πότε", "ποτέ"),
    ("Russian", "все пришли", "всё пришли"),
    ("emoji", "Great service 👍", "Great service 👎"),
    ("emoji, alone", "😀", "😡"),
    ("emoji, among Chinese", "服务👍", "服务👎"),
    ("flags", "made in 🇩🇪", "made in 🇩🇰"),
    (
        "flags of tags",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
    ),
    ("hearts", "us ❤", "us 💔"),
    ("emoticons", "Nice :)", "Nice :("),
    ("emoticons, noses", "ok :-)", "ok :-/"),
    ("emoticons, none", "ok", "ok :)"),
    ("emoticons, reversed", "so (:", "so ):"),
    ("code", "I love C++ jobs", "I love C# jobs"),
    ("code, not", "if (!ready) stop", "if (ready) stop"),
    ("code, equal", "a == b", "a != b"),
    ("code, a name", "call _start now", "call start now"),
    ("currency", "price is $5", "price is €5"),
    ("math, order", "x > 5 here", "x < 5 here"),
    ("math, minus", "it is -5 degrees", "it is 5 degrees"),
    ("math, minus sign", "at −5 degrees", "at 5 degrees"),
    ("math, raised", "2⁵ times", "25 times"),
    ("math, raised n", "2ⁿ", "2n"),
    ("math, fraction", "1½ hours", "11/2 hours"),
    ("math, times", "3 * 4 here", "3 / 4 here"),
    ("math, sets", "x ∈ A", "x ∉ A"),
    ("math, point", "3.5 ml", "35 ml"),
    ("per cent", "5 % more", "5 ‰ more"),
    ("arrows", "prices ↑", "prices ↓"),
    ("tags", "#metoo", "me too"),
]
# One text in two forms.
SAME = [
    ("English", "The CAFÉ is closed!", "the café… is closed"),
    ("English, apostrophes", "It’s here", "It's here"),
    ("English, quoted", "He said 'apple'.", "He said “apple”"),
    ("English, ligature", "a ﬁne oﬃce", "a fine office"),
    ("English, soft hyphen", "co\u00adoperate", "cooperate"),
    ("German", "STRASSE", "Straße"),
    ("Vietnamese, two forms", "Tiếng Việt", unicodedata.normalize("NFD", "tiếng việt")),
    ("Hindi, danda", "वह जाता है।", "वह जाता है"),
    ("Hindi, nukta", "क़लम", "क\u093cलम"),
    ("Bengali, two forms", "কো", "ক\u09c7\u09be"),
    ("Tamil, two forms", "கொ", "க\u0bc6\u0bbe"),
    ("Persian, joiner", "می\u200cخواهم", "میخواهم"),
    ("Arabic, tatweel", "كـــتاب", "كتاب"),
    ("Arabic, presentation forms", "ﻛﺘﺎﺏ", "كتاب"),
    ("Arabic, punctuation", "هل أنت هنا؟", "هل أنت هنا"),
    ("Hebrew, gershayim", "צה״ל", 'צה"ל'),
    ("Hebrew, presentation forms", "שׁ", "\u05e9\u05c1"),
    ("Thai, a space", "สวัสดี ครับ", "สวัสดี  ครับ"),
    ("Thai, am", "น้ำ", "น\u0e49\u0e4d\u0e32"),
    ("Khmer, full stop", "ខ្ញុំទៅផ្ទះ។", "ខ្ញុំទៅផ្ទះ"),
    ("Burmese, full stop", "ကျွန်တော်သွားမယ်။", "ကျွန်တော်သွားမယ်"),
    ("Chinese, punctuation", "你好，世界！", "你好 世界"),
    ("Chinese, wide letters", "ＧＰＵ加速", "gpu加速"),
    ("Japanese, half width", "ｶﾞｲﾄﾞ", "ガイド"),
    ("Japanese, two forms", "が", "か\u3099"),
    ("Korean, two forms", "한국어 문장", unicodedata.normalize("NFD", "한국어 문장")),
    ("Tibetan, shad", "བོད་ཡིག།", "བོད་ཡིག"),
    ("emoji, its form", "❤\ufe0f it", "❤ it"),
    ("minus", "−4 °C", "-4 °C"),
    ("code, quoted", "use `map` here", "use map here"),
]
# Texts of some length that nearly agree.
NEAR = [
    (
        "Chinese",
        "我们昨天在官网下单购买了一台咖啡机，今天收到后发现机器漏水，客服电话一直打不通，希望尽快安排退货并且全额退款，谢谢。",
        "我们昨天在官网下单购买了一台咖啡壶，今天收到后发现机器漏水了，客服电话总是打不通，希望尽快安排退货并且全额退款，多谢。",
    ),
    (
        "Traditional Chinese",
        "上個星期三下午我在車站前面的書店買了兩本小說，回家以後才發現其中一本少了最後十頁，店員說明天可以換一本新的給我。",
        "上個星期三下午我在車站旁邊的書店買了兩本小說，回家以後才發現其中一本少了最後十頁，店員說明天能夠換一本新的給我。",
    ),
    (
        "Japanese",
        "先週の土曜日に駅前の電気屋で新しい炊飯器を買いましたが、家に帰って箱を開けたら蓋に大きな傷がついていたので交換をお願いします。",
        "先週の日曜日に駅前の電気屋で新しい炊飯器を買いましたが、家に帰って箱を開けたら蓋に小さな傷がついていたので交換をお願いします。",
    ),
    (
        "Hiragana",
        "きのうのよるおそくまでともだちとこうえんであそんでいたのでけさはなかなかおきられませんでした",
        "きのうのよるおそくまでともだちとこうえんであそんでいたからけさはなかなかおきられませんでした",
    ),
    (
        "Thai",
        "ฉันสั่งซื้อเครื่องชงกาแฟจากเว็บไซต์เมื่อวานนี้แต่เมื่อได้รับสินค้าแล้วพบว่าเครื่องมีน้ำรั่วกรุณาคืนเงินเต็มจำนวนด้วย",
        "ฉันสั่งซื้อเครื่องชงกาแฟจากเว็บไซต์เมื่อวานนี้แต่เมื่อได้รับสินค้าแล้วพบว่าเครื่องมีน้ำรั่วกรุณาคืนเงินเต็มจำนวนเลย",
    ),
    (
        "Lao",
        "ມື້ວານນີ້ຂ້ອຍໄດ້ໄປຕະຫຼາດຊື້ປາສອງໂຕແລະຜັກຫຼາຍຢ່າງເພື່ອມາແຕ່ງກິນຢູ່ເຮືອນກັບຄອບຄົວ",
        "ມື້ວານນີ້ຂ້ອຍໄດ້ໄປຕະຫຼາດຊື້ໄກ່ສອງໂຕແລະຜັກຫຼາຍຢ່າງເພື່ອມາແຕ່ງກິນຢູ່ເຮືອນກັບຄອບຄົວ",
    ),
    (
        "Khmer",
        "ម្សិលមិញខ្ញុំបានទៅផ្សារទិញត្រីពីរក្បាលនិងបន្លែជាច្រើនមុខដើម្បីយកមកធ្វើម្ហូបនៅផ្ទះជាមួយគ្រួសារ",
        "ម្សិលមិញខ្ញុំបានទៅផ្សារទិញមាន់ពីរក្បាលនិងបន្លែជាច្រើនមុខដើម្បីយកមកធ្វើម្ហូបនៅផ្ទះជាមួយគ្រួសារ",
    ),
    (
        "Burmese",
        "မနေ့ကကျွန်တော်ဈေးသွားပြီးငါးနှစ်ကောင်နဲ့ဟင်းသီးဟင်းရွက်အများကြီးဝယ်ခဲ့တယ်အိမ်မှာမိသားစုနဲ့အတူချက်စားဖို့ပါ",
        "မနေ့ကကျွန်တော်ဈေးသွားပြီးကြက်နှစ်ကောင်နဲ့ဟင်းသီးဟင်းရွက်အများကြီးဝယ်ခဲ့တယ်အိမ်မှာမိသားစုနဲ့အတူချက်စားဖို့ပါ",
    ),
    (
        "Hindi",
        "कल शाम को हमने बहुत सारी सब्ज़ियाँ और फल खरीदे फिर घर आकर सबने मिलकर खाना बनाया और देर रात तक बातें कीं",
        "कल शाम को हमने बहुत सारी सब्ज़ियाँ और फल खरीदे फिर घर आकर सबने मिलकर खाना बनाया और देर रात तक गप्पें कीं",
    ),
    (
        "Korean",
        "지난 주말에 우리 가족은 바닷가 작은 식당에서 점심을 먹었는데 음식이 맛있고 직원도 친절해서 또 가기로 했다",
        "지난 주말에 우리 가족은 바닷가 작은 식당에서 점심을 먹었는데 음식이 맛있고 직원도 친절해서 또 가기로 해요",
    ),
    (
        "Arabic",
        "ذهبنا أمس إلى السوق واشترينا كثيرا من الخضار والفواكه الطازجة ثم عدنا للبيت وطبخنا طعام العشاء مع الجيران",
        "ذهبنا أمس إلى السوق واشترينا كثيرا من الخضار والفواكه الطازجة ثم عدنا للبيت وطبخنا طعام العشاء مع الأصدقاء",
    ),
]


def exact(*texts: str) -> list[list[int]]:
    return sketch.shingle(pa.array(texts), 3).exact.tolist()


def similarity(first: str, second: str, words: int = 3) -> float:
    """The similarity of two texts, 0 where it is small."""
    both = sketch.shingle(pa.array([first, second]), words)
    alike = compare.Alike(0.1, words)
    return compare._similarity(both.hashes, both.offsets, both.unspaced, 0, 1, alike.values())


def test_texts_that_differ_in_meaning_are_all_kept(workspace):
    texts = [text for _, *pair in DIFFERENT for text in pair]
    once = sorted(set(texts))
    result = run(workspace, [{"text": text} for text in once])
    assert sorted(result.texts) == once
    assert len(set(result.out["cluster"].to_pylist())) == len(once)


@pytest.mark.parametrize(("script", "one", "other"), DIFFERENT)
def test_their_forms_differ(script, one, other):
    assert exact(one)[0] != exact(other)[0]


@pytest.mark.parametrize(("script", "one", "other"), SAME)
def test_a_text_is_the_same_in_either_form(script, one, other):
    assert exact(one) == exact(other)


def test_near_duplicates_are_found_in_every_script(workspace):
    result = run(workspace, [{"text": text} for _, *pair in NEAR for text in pair], drop_near=False)
    clusters = dict(zip(result.texts, result.out["cluster"].to_pylist(), strict=True))
    for script, one, other in NEAR:
        assert clusters[one] == clusters[other], script
    assert len(set(clusters.values())) == len(NEAR)
    assert len(run(workspace, [{"text": text} for _, *pair in NEAR for text in pair]).texts) == len(NEAR)


SYLLABLES = "私達昨日新鮮果物買家族皆食今朝天気良散歩出掛公園花咲子供遊帰道店寄飲水静本読夜遅眠"


@given(st.text(SYLLABLES, min_size=1, max_size=60), st.integers(0, 59), st.text("猫犬鳥", max_size=2))
def test_one_edit_costs_what_it_changes(text, place, other):
    """By plain Python: characters in common runs of three, over all characters and three more."""
    place %= len(text)
    edited = text[:place] + other + text[place + 1 :]
    if not edited:
        return

    def covered(one: str, two: str) -> int:
        one, two = f"  {one}  ", f"  {two}  "
        runs = {two[start : start + 3] for start in range(len(two) - 2)}
        inside = {
            at for start in range(len(one) - 2) if one[start : start + 3] in runs for at in range(start, start + 3)
        }
        return len(inside & set(range(2, len(one) - 2)))

    common = min(covered(text, edited), covered(edited, text))
    share = common / (len(text) + len(edited) - common + 3)
    assert similarity(text, edited) in (pytest.approx(share), 0)
    if share > 0.7:
        assert similarity(text, edited) == pytest.approx(share)


@pytest.mark.parametrize(("length", "allowed"), [(20, 0), (21, 1), (29, 1), (30, 2)])
def test_a_short_text_without_spaces_may_not_differ(length, allowed):
    text = "".join(random.Random(1).sample(SYLLABLES, length))
    for edits in range(4):
        edited = list(text)
        for edit in range(edits):
            edited[3 + 5 * edit] = "猫犬鳥虫"[edit]
        assert (similarity(text, "".join(edited)) >= 0.8) == (edits <= allowed or edits == 0), edits


@pytest.mark.parametrize(("one", "other"), [("5", "9"), ("👍", "👎"), ("Anna", "Berta"), ("$", "€")])
def test_a_whole_word_that_differs_counts_as_one_among_characters(one, other):
    text = "".join(random.Random(1).sample(SYLLABLES, 36))
    assert similarity(text[:20] + "猫" + text[21:], text) >= 0.8
    assert similarity(text[:20] + one + text[20:35], text[:20] + other + text[20:35]) < 0.8
    assert similarity(text[:20] + one + text[20:], text[:20] + other + text[20:]) >= 0.8


def test_a_block_that_differs_is_no_near_duplicate():
    """A quarter of the text is another: many common shingles, but not by changes here and there."""
    chooser = random.Random(2)
    common, first, second = ("".join(chooser.choices(SYLLABLES, k=count)) for count in (300, 100, 100))
    assert similarity(common + first, common + second) < 0.8
    assert similarity(common, common + first) < 0.8
    assert similarity(common + first[:20], common + second[:20]) >= 0.8


def test_long_texts_of_few_characters_are_not_alike_by_chance():
    chooser = random.Random(3)
    kana = [chr(code) for code in range(ord("あ"), ord("ん"))]
    first, second = ("".join(chooser.choices(kana, k=20000)) for _ in range(2))
    assert similarity(first, second) < 0.1


CHARACTERS = st.one_of(
    st.characters(codec="utf-8", categories=["Lu", "Ll", "Lo", "Mn", "Nd", "Zs"]),
    st.sampled_from("aäßéक़कीกี字がꦏגּ각"),
)


@given(st.text(CHARACTERS, max_size=30))
def test_form_and_space_do_not_count(text):
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert exact(forms[0]) == exact(forms[1])
    if words := text.split():
        assert exact(" ".join(words)) == exact("\n\n ".join(words) + "\t")


@given(
    st.lists(st.sampled_from(["word", "Über", "слово", "وَلَد", "की", "字", "ดี", "말", "10", "😀"]), min_size=1),
    st.data(),
)
def test_case_and_the_punctuation_of_sentences_do_not_count(words, data):
    marks = st.sampled_from(
        [". ", ", ", "! ", "? ", "… ", " — ", "; ", "。", "、", "！ ", "؟ ", "। ", "། ", "” ", " « "]
    )
    marked = "".join(word + data.draw(marks) for word in words)
    assert exact(marked.upper()) == exact(" ".join(words))
