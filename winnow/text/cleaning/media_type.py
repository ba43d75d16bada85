"""The media type of a text: what is declared as plain text holds no markup, whatever it looks like."""

import pyarrow as pa
import pyarrow.compute as pc

KEY = "media_type"
"""The key of `meta`, or the column of a file to predict, that says it."""

PLAIN = "text/plain"


def are_plain(types: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return which texts are declared as plain: (rows,) bool without nulls.

    Args:
        types: (rows,) string, media types of RFC 2046; case and parameters as `; charset=utf-8` do not matter. Any
            other type, or null, leaves it to the cleaning profile.
    """
    return pc.fill_null(pc.match_substring_regex(types, rf"(?i)^\s*{PLAIN}\s*(?:;|$)"), False)
