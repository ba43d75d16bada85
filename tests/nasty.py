"""Texts that break cleaning rules, and profiles to try them on; shared by the tests of the rules and of the stage."""

from pathlib import Path

from hypothesis import strategies as st

from winnow.text.cleaning import saved
from winnow.text.cleaning.profiles import Profile

OFF = {
    name: {"normalize_unicode": "none", "urls": "keep", "collapse_space": "none"}.get(name, False)
    for name in Profile.model_fields
}
ON = {
    name: {"normalize_unicode": "NFC", "urls": "keep", "collapse_space": "all"}.get(
        name, not name.startswith(("strip_mail", "strip_quotes", "strip_signature"))
    )
    for name in Profile.model_fields
}
# Each rule by itself, in each of its forms.
SINGLE = [
    *({name: True} for name, off in OFF.items() if off is False),
    {"normalize_unicode": "NFC"},
    {"normalize_unicode": "NFKC"},
    {"urls": "drop"},
    {"urls": "token"},
    {"collapse_space": "lines"},
    {"collapse_space": "all"},
    {"strip_scripts": True, "strip_markup": True},
    {"strip_markup": "escaped"},
]
FOUND = ["Sent to all members of the list.", "Home | News | About us", "Read our terms of use."]

PIECES = st.one_of(
    st.sampled_from(["<i>", "</i>", "<p>", "<b", ">", "<", "<!--", "-->", "<![CDATA[", "]]>", "</", "<br/>", "<td>"]),
    st.sampled_from(["<script>", "</script>", "<style x=1>", "</style >", "<a href='x'>", "<b and c>", "<p hidden>"]),
    st.sampled_from(["<pre>", "</pre>", "<template>", "</template>", "<x:y>", "</x:y>", "<ul", "<table>", "</td>"]),
    st.sampled_from(["&", "&lt;", "&amp;", "amp;", "lt;", "&#x3b2;", "&amp;lt;i&amp;gt;", "&copy", "&#60", "&nbsp ;"]),
    st.sampled_from(
        ["<sup>", "</sup>", "<sub>", "</sub>", "10", "-3", "<ruby>", "<rt>", "</ruby>", "<math>", "</math>"]
    ),
    st.sampled_from(["\x92", "\x85", "ß\x93", "Ã\x9f", "в‚¬", "√©", "\u200d", "\u200c", "\u3164", "\ufff9", "\ufffa"]),
    st.sampled_from(["ไทย", "漢", "क्", "🏴", "\U000e0067", "\U000e007f", "10⁶", "1½", "\u2062", "\u034f", "\ufffb"]),
    st.sampled_from(["RESULTS", "Results", ":", " - ", ".", "METHODS:", "- ", "("]),
    st.sampled_from(["© 2021 Us.", "All rights reserved.", "(c) 2020", "Published by Us Ltd.", "Copyright"]),
    st.sampled_from(["Alle Rechte vorbehalten.", "Publié par Us SAS.", "版权所有", "。", "保留所有权利。", "无", "！"]),
    st.sampled_from(["Ziel:", "Ergebnisse", "Méthodes :", "【方法】", "目的：", "；", "… Weiterlesen", "(Leer más)"]),
    st.sampled_from(["â€™", "Ã©", "Â\u00a0", "\u00a0", "\u200b", "\x00", "\u0301", "\n\n", "＜", "ﬁ", "x²", "\x85"]),
    st.sampled_from(["From: a@b.c\n", "Subject: x\n", "To: y\n", " folded\n", "From a b\n", ">From a b\n", "X-a:b\n"]),
    st.sampled_from(["\n> quoted", ">", "On 3 May 2020, Ann <a@b.c> wrote:\n", "-----Original Message-----\n"]),
    st.sampled_from(["---------- Forwarded message ----------\n", "________\nFrom: x", "\nAm 3.5. schrieb B:\n"]),
    st.sampled_from(["\n-- \n", "--\n", "Best regards,\n", "Thanks", "\nSent from my phone", "Ann\n", "\r\n"]),
    st.sampled_from(
        ["http://", "https://x.org/a?b=1&copy=2", "www.x.org", "(www.y.org).", "[URL]", "<http://z.de>", "ftp:"]
    ),
    st.sampled_from(
        [*FOUND, "Sent to all", "members of the list.", "Home | News |", "About us", " Read our terms of use."]
    ),
    st.sampled_from(
        ["…", "...", "..", " (more)", "[truncated]", "(ABSTRACT TRUNCATED AT 250 WORDS)", "[...", "… Read more"]
    ),
    st.sampled_from(["a word", "We found it", "was 5", "p", " ", "  ", "\n", "\t", "\u2028", "! ", "? A"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
TEXTS = st.lists(PIECES, max_size=14).map("".join)


def profile(**changes) -> Profile:
    """Return a profile with the given rules alone."""
    return Profile.model_validate(OFF | changes)


def write_cleaning(folder: Path, **changes) -> None:
    """Write cleaning.json to a folder: a profile with the given rules alone, by which a task's texts were cleaned."""
    rules = saved.Rules(profile=profile(**changes), boilerplate=[])
    saved.write(saved.Cleaning(default="own", profiles={"own": rules}, personal_data=None), folder / saved.FILE)
