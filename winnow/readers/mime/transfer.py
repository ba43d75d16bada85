"""Transfer encodings: base64, quoted-printable and uuencode to bytes, mended where they are broken.

Python's `get_payload(decode=True)` gives base64 with a footer below it as it stands, or loses the footer.
"""

import binascii
import re

_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]++={0,2}")
_RULE = re.compile(rb"[-_*]{2,}[ \t]*")  # above what a mailing list adds
_BEGIN = re.compile(rb"begin(?:-base64)? [0-7]{3,4} +(\S[^\r\n]{0,200}?)\s*")
_UU_LINE = re.compile(rb"[ -`]{1,90}")


def undone(payload: bytes, encoding: str) -> bytes:
    """Return the bytes of a part by its Content-Transfer-Encoding; as they stand where that is none that encodes."""
    if encoding == "base64":
        return with_footer(payload)
    if encoding == "quoted-printable":
        # A soft break that white space follows is one too.
        return binascii.a2b_qp(re.sub(rb"=[ \t]{1,100}(?=\r?\n)", b"=", payload))
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        kept, files = without_files(payload)
        return b"".join(data for _, data in files) or kept
    return payload


def base64(data: bytes) -> bytes:
    """Return the bytes of base64; other characters are left out, and padding may lack or stand within."""
    decoded = []
    for run in re.split(rb"=+", re.sub(rb"[^A-Za-z0-9+/=]++", b"", data)):
        run = run[: len(run) - (len(run) % 4 == 1)]
        decoded.append(binascii.a2b_base64(run + b"=" * (-len(run) % 4)))
    return b"".join(decoded)


def with_footer(payload: bytes) -> bytes:
    """Return the bytes of base64 and, as it stands, the text that a mailing list put below them."""
    lines = payload.splitlines()
    for number, line in enumerate(lines):
        if line.rstrip().endswith(b"="):
            footer = number + 1
            break
        if number and _RULE.fullmatch(line):
            return base64(b"\n".join(lines[:number])) + b"\n" + b"\n".join(lines[number:])
    else:
        return base64(payload)
    rest = [line for line in lines[footer:] if line.strip()]
    if all(_BASE64_LINE.fullmatch(line.strip()) and len(line.strip()) % 4 == 0 for line in rest):
        return base64(payload)
    return base64(b"\n".join(lines[:footer])) + b"\n" + b"\n".join(lines[footer:])


def without_files(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return a text without the files that stand in it in uuencode, and these: name and content."""
    if b"begin" not in data:
        return data, []
    kept: list[bytes] = []
    files: list[tuple[bytes, bytes]] = []
    name, start, content = None, 0, []
    for line in data.splitlines(keepends=True):
        bare = line.rstrip(b"\r\n")
        kept.append(line)
        if match := _BEGIN.fullmatch(bare):
            name, start, content = match[1], len(kept) - 1, []
        elif name is not None and bare.strip() == b"end" and content:
            files.append((name, b"".join(content)))
            del kept[start:]
            name = None
        elif name is not None:
            decoded = _uu(bare)
            if decoded is None:
                name = None  # a text that speaks of it
            else:
                content.append(decoded)
    return b"".join(kept), files


def _uu(line: bytes) -> bytes | None:
    """Return the bytes of a line of uuencode, None where it is none."""
    if not _UU_LINE.fullmatch(line):
        return b"" if not line.strip() else None
    length = (line[0] - 32) & 63
    wanted = 4 * ((length + 2) // 3)
    if not wanted <= len(line.rstrip()) - 1 + 3 or len(line) - 1 > wanted + 2 or not (wanted or line in (b"`", b" ")):
        return None
    try:
        return binascii.a2b_uu(line[: wanted + 1])
    except binascii.Error:
        return None
