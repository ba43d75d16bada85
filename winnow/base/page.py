"""Pages of one HTML file: how templates are read, and the policy that lets a page run its own code only."""

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(package: str, escape: bool = True) -> "Environment":
    """Return what reads a package's templates; a name that they do not know is an error.

    Args:
        package: its folder `templates` holds them.
        escape: whether text becomes HTML that shows it, and no markup.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def policy(style: str, script: str, network: str = "'none'") -> str:
    """Return a content security policy: this style and script, by their hashes, and nothing from elsewhere.

    Args:
        network: what the script may ask: 'none', or 'self' for the page's own server, with the quotes.
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_source(script)}",
            f"style-src {_source(style)}",
            "img-src data:",  # the empty icon, which no server is asked for
            f"connect-src {network}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",  # no text becomes HTML, not even by mistake
        ]
    )


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
