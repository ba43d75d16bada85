"""The parts of an e-mail: its headers, what its parts hold, and how they become one text (MIME, RFC 2045 to 2049)."""
