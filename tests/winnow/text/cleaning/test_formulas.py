"""What markup says by place alone: no number becomes another, and what needs no mark gets none."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from winnow.text.cleaning.markup import strip_markup


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("10<sup>6</sup> IU, 10<sup>-3</sup>, 10<sup>&minus;3</sup>", "10^6 IU, 10^-3, 10^−3"),
        ("10<sup>-</sup><sup>3</sup> and 10<SUP>6</SUP>", "10^-3 and 10^6"),
        ("2<sup>n</sup>, 2<sup>n+1</sup>, 10<sup>2n</sup>, 2<sup>1/2</sup>", "2^n, 2^(n+1), 10^(2n), 2^(1/2)"),
        ("10<sup>(n+1)</sup> and 10<sup>10<sup>2</sup></sup>", "10^(n+1) and 10^(10^2)"),
        ("3.15x10 <sup>-15</sup>, 10 <sup>6</sup> cells", "3.15x10 ^-15, 10 ^6 cells"),
        ("m<sup>2</sup>, kg/m<sup>2</sup>, cm<sup>-1</sup>, <i>x</i><sup>2</sup>", "m^2, kg/m^2, cm^-1, x^2"),
        ("(a+b)<sup>2</sup>, e<sup>-kt</sup>, e<sup>x</sup>, f<sup>-1</sup>(x)", "(a+b)^2, e^-kt, e^x, f^-1(x)"),
        ("&beta;<sup>2</sup>, м<sup>2</sup>, 平方米<sup>2</sup>", "β^2, м^2, 平方米^2"),
        ("37<sup>0</sup>C, 24<sup>+6</sup> weeks, 10<sup>6</sup>5", "37^0C, 24^+6 weeks, 10^6 5"),
        ("<b>5</b><sup><i>3</i></sup> and 5<jats:sup>3</jats:sup>, 5<sup class='x'>3</sup>", "5^3 and 5^3, 5^3"),
        ("SO<sub>4</sub><sup>2-</sup>, NO<sub>3</sub><sup>-</sup>", "SO4^2-, NO3-"),
        ("there<sup>1,2</sup>. In 2010.<sup>12</sup> We<sup><a href='#3'>3</a></sup>", "there^1,2. In 2010.^12 We^3"),
        ("notes<sup>4-8</sup>, sizes<sup>2</sup><sup>,</sup><sup>3</sup>", "notes^4-8, sizes^2,3"),
        ("<td>5</td><td><sup>2</sup>H</td>", "\t5\t2H"),
        ("10<sub>2</sub> is 2, P2<sub>1</sub>, log<sub>10</sub>2", "10_2 is 2, P2_1, log10 2"),
        ("3<sup>1</sup>/<sub>2</sub> and <sup>1</sup>&frasl;<sub>2</sub>, 1&frac12;", "3 1/2 and 1⁄2, 1½"),
        ("<table><tr><td>10<sup>6</sup></td><td>m<sup>2</sup></td></tr></table>", "\n\n\t10^6\tm^2\n\n"),
    ],
)  # fmt: skip
def test_a_raised_number_stays_apart(raw, text):
    assert strip_markup(raw) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("H<sub>2</sub>O, CO<sub>2</sub>, C<sub>6</sub>H<sub>12</sub>O<sub>6</sub>", "H2O, CO2, C6H12O6"),
        ("Ca<sup>2+</sup>, Ca<sup>2</sup><sup>+</sup>, Na<sup>+</sup>, Fe<sup>III</sup>", "Ca2+, Ca2+, Na+, FeIII"),
        ("[Fe(en)<sub>3</sub>]<sup>2+</sup>, H<sub>3</sub>O<sup>+</sup>, OH<sup>•-</sup>", "[Fe(en)3]2+, H3O+, OH•-"),
        ("<sup>1</sup>H,<sup>13</sup>C", "1H,13C"),
        ("<sup>13</sup>C, [<sup>18</sup>F]FDG, a <sup>99m</sup>Tc, 1-<sup>2</sup>H", "13C, [18F]FDG, a 99mTc, 1-2H"),
        ("CD4<sup>+</sup>CD25<sup>high</sup>, p22<sup>phox</sup>, p53<sup>-/-</sup>", "CD4+CD25high, p22phox, p53-/-"),
        ("1<sup>st</sup>, 2<SUP>nd</SUP>, XIX<sup>e</sup>, 1<sup>er</sup>, n<sup>o</sup>", "1st, 2nd, XIXe, 1er, no"),
        ("37<sup>o</sup>C, Word<sup>®</sup>, Word<sup>TM</sup>, M<sup>me</sup>", "37oC, Word®, WordTM, Mme"),
        ("Aβ<sub>1</sub><sub>-42</sub>, RuCl<sub>2</sub><sup>iPr</sup>", "Aβ1-42, RuCl2iPr"),
        ("[Fe<sup>2.5+</sup>]<sup>3-/4-</sup>", "[Fe2.5+]3-/4-"),
        ("Na<sub>V</sub>1.7, x<sub>i</sub>, PM<sub>2.5</sub>, t<sub>1/2</sub>", "NaV1.7, xi, PM2.5, t1/2"),
        ("A<sub>I<sub>2</sub></sub>, <sup></sup>5, 5<sup> </sup>6", "AI2, 5, 5 6"),
        ("5<sup>open", "5open"),
        ("5<sup hidden>6</sup>7", "57"),
    ],
)  # fmt: skip
def test_what_needs_no_mark_gets_none(raw, text):
    assert strip_markup(raw) == text


def math(inner: str) -> str:
    return f"<math>{inner}</math>"


X, TWO = "<mi>x</mi>", "<mn>2</mn>"
SUM = "<mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (math(f"<mfrac><mn>1</mn>{TWO}</mfrac>"), "1/2"),
        (math(f"{TWO}<mfrac><mn>1</mn>{TWO}</mfrac>"), "2 1/2"),
        (math(f"<mfrac>{SUM}{TWO}</mfrac>"), "(a+b)/2"),
        (math(f"<msup>{X}{TWO}</msup>"), "x^2"),
        (math(f"<msup><mn>10</mn><mrow><mo>-</mo>{TWO}</mrow></msup>"), "10^-2"),
        (math(f"<msup>{X}{SUM}</msup>"), "x^(a+b)"),
        (math("<msup><mi>Ca</mi><mrow><mn>2</mn><mo>+</mo></mrow></msup>"), "Ca2+"),
        (math("<msup><mi>f</mi><mo>′</mo></msup>"), "f′"),
        (math(f"<msub>{X}<mi>i</mi></msub><msub>{X}<mrow><mi>i</mi><mo>+</mo><mn>1</mn></mrow></msub>"), "xix_(i+1)"),
        (math(f"<msubsup>{X}<mi>i</mi>{TWO}</msubsup>"), "xi^2"),
        (math(f"<msqrt>{X}</msqrt><msqrt>{SUM}</msqrt>"), "√x√(a+b)"),
        (math(f"<mroot>{X}<mn>3</mn></mroot>"), "x^(1/3)"),
        (math(f"<mfenced open='[' close=']' separators=';'>{X}{TWO}</mfenced>"), "[x;2]"),
        (math(f"<munderover><mo>&sum;</mo>{SUM}<mi>n</mi></munderover><mi>i</mi>"), "∑_(a+b)^n i"),
        (math(f"<mover>{X}<mo>¯</mo></mover>"), "x¯"),
        (math("<mi>a</mi><mo>&lt;</mo><mi>b</mi><mo>&amp;</mo><mi>c</mi>"), "a<b&c"),
        (math(f"\n  <mrow>\n  {X}\n  <mo>=</mo>\n  {TWO}\n  </mrow>\n"), "x=2"),
        (math(f"<semantics><msup>{X}{TWO}</msup><annotation encoding='TeX'>x^{{2}}</annotation></semantics>"), "x^2"),
        (math(f"<mtable><mtr><mtd>{X}</mtd><mtd>{TWO}</mtd></mtr><mtr><mtd>{TWO}</mtd></mtr></mtable>"), "x 2; 2"),
        ("<mml:math><mml:msup><mml:mi>R</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math> is 1", "R^2 is 1"),
        (f"<mfrac><mn>1</mn>{TWO}</mfrac> cup", "1/2 cup"),
        (math("<mn>1.5</mn> <mspace/> <mi>s</mi>"), "1.5 s"),
        (f"{math(X)}, then <math><mi>y</mi>", "x, then <math>y"),
        ("<math><mo>></mo></math>", ">"),
    ],
)  # fmt: skip
def test_formulas_of_mathml(raw, text):
    assert strip_markup(raw) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字", "漢(かん)字"),
        ("<ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>", "漢(かん)字(じ)"),
        ("<ruby>漢<rt>かん<rt>カン</ruby>", "漢(かん)(カン)"),
        ("<ruby><rb>漢</rb><rp>（</rp><rt>かん</rt><rp>）</rp></ruby>", "漢(かん)"),
        ("<ruby>A<rp>(</rp></ruby> <ruby>B<rt></rt></ruby>", "A B"),
        ("<ruby>\n漢\n<rp>(</rp><rt>かん</rt><rp>)</rp>\n</ruby>", "\n漢(かん)\n"),
        ("<ruby>漢<rt>かん", "<ruby>漢<rt>かん"),
    ],
)
def test_a_reading_follows_its_character_in_brackets(raw, text):
    assert strip_markup(raw) == text


def test_quotation_marks_of_a_quote_are_text():
    assert strip_markup("he said <q>go</q> and <q cite='x'>come</q>") == "he said “go” and “come”"


NUMBERS = st.integers(0, 999).map(str)


@given(NUMBERS, NUMBERS, st.sampled_from(["", "-", "−", "+"]), st.sampled_from(["sup", "SUP", "jats:sup"]))
def test_two_numbers_never_become_one(first, second, sign, name):
    assert strip_markup(f"{first}<{name}>{sign}{second}</{name}>") == f"{first}^{sign}{second}"
    assert strip_markup(f"{first}<sub>{second}</sub>") == f"{first}_{second}"


PIECES = ["<sup>", "</sup>", "<sub>", "</sub>", "1", "x", "-", "<i>", "</i>", "/", "&minus;", " ", "<ruby>", "<rt>"]
PIECES += ["</ruby>", "<math>", "</math>", "<mfrac>", "</mfrac>", "<mi>", "</mi>", "<msup>", "</msup>", "<td>", "<"]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
@example("<mfrac><sup></sup>1<sup>1</mfrac>")
def test_no_character_is_lost_and_what_is_added_are_marks(raw):
    def rest(text: str) -> str:
        bare = re.sub(r"</?[a-z]+>", "", text).replace("&minus;", "−")
        return "".join(char for char in bare if char not in "^_() \n\t/√")

    assert rest(strip_markup(raw)) == rest(raw)


@pytest.mark.parametrize(
    "hostile",
    ["<sup>", "<sup>1</sup>", "1<sup>", "<sub><sup>", "<math>", "<math><mfrac>", "<ruby><rt>", "<mi></mfrac>",
     "</math>", "<sup ", "<sup></sup>", "<a:sup>", "<ruby>", "<rp>", "&<sup>", "<math><mi>1</mi></math>"],
)  # fmt: skip
def test_a_megabyte_takes_no_more_than_its_length(hostile):
    start = time.process_time()
    strip_markup(hostile * (10**6 // len(hostile)))
    assert time.process_time() - start < 5


def test_many_names_that_nothing_closes_take_no_longer():
    start = time.process_time()
    strip_markup("".join(f"<a{number}:math>" for number in range(70_000)))
    assert time.process_time() - start < 5
