"""Rules on e-mail in plain text: header lines, quoted replies, signatures.

What the author wrote never goes; of the rest, what mail programs and lists are known to add. `phrases` holds what they
write in each language. Rules of our own: `make bench-mail` measures them beside the libraries for this, each of which
loses words of the author. Lines matter here, so these rules run before white space is collapsed.
"""

from winnow.text.cleaning.mail.headers import HEADERS, strip_mail_headers
from winnow.text.cleaning.mail.quotes import QUOTED, strip_quotes
from winnow.text.cleaning.mail.signatures import SIGNED, strip_signature

__all__ = ["HEADERS", "QUOTED", "SIGNED", "strip_mail_headers", "strip_quotes", "strip_signature"]
