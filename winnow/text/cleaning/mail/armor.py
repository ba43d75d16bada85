"""Mail that is signed by OpenPGP in the clear (RFC 9580, section 7): what the author wrote, without what stands around.

A whole frame goes: its first line with the names of hashes, and the signature's block. A part of one is text that
people wrote about it.
"""

import re

_BEGIN = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\r?\n(?:[A-Za-z-]{1,40}: [^\r\n]*\r?\n)*(?:\r?\n)?", re.M
)
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_BLOCK = re.compile(
    rf"^{_SIGNATURE}[ \t]*\r?\n(?:[^\r\n-][^\r\n]*\r?\n|\r?\n)*-----END PGP SIGNATURE-----[ \t\r]*$", re.M
)
# What begins with a dash stands behind "- " in a frame, and so may "From ".
_ESCAPED = re.compile(r"^- (?=-|From )", re.M)


def strip_armor(text: str) -> str:
    """Return a text without the frames of OpenPGP's signatures, and its lines as they were before they were signed."""
    if _SIGNATURE not in text:
        return text
    parts, position = [], 0
    while (begin := _BEGIN.search(text, position)) and (block := _BLOCK.search(text, begin.end())):
        parts += [text[position : begin.start()], _ESCAPED.sub("", text[begin.end() : block.start()])]
        position = block.end()
    return "".join([*parts, text[position:]])
