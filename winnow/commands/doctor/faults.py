"""What a store's error means, where DVC prints a traceback or the status of a request without a body.

DVC asks for an object's head first, whose refusal has no body: an expired token reads `Bad Request`, a wrong clock
`Forbidden`. The doctor writes an object, and that refusal has its code.
"""

from collections.abc import Collection, Iterator, Mapping

from winnow.commands.doctor.finding import Finding

LONGEST_CHAIN = 20  # errors that one error was raised from


# By the code of an S3 answer or the name of an exception: what it means, and the mend. `{bucket}` and `{name}` are the
# remote's. Only what holds for every request: a right that lacks is told by what was tried.
REGION = (
    "the bucket is in another region",
    "`aws s3api get-bucket-location --bucket {bucket}` tells it: dvc remote modify {name} region REGION",
)
TOKEN = (
    "the session's token is expired or not valid",
    "sign in anew (`aws sso login`, or a new session_token in .dvc/config.local)",
)
KEYS = "dvc remote modify --local {name} access_key_id KEY, and the same with secret_access_key; or a profile"
BUSY = ("the store is overloaded", "later, or fewer requests at once: dvc remote modify {name} jobs 4")
DOWN = (
    "no server answers at this address",
    "is it running, is the host right, is a VPN or a proxy needed? dvc remote modify {name} endpointurl URL",
)
FAULTS = {
    "NoSuchBucket": (
        "there is no bucket {bucket}",
        "make it (`aws s3 mb s3://{bucket}`), or mend its name: dvc remote modify {name} url s3://BUCKET/PREFIX",
    ),
    "InvalidAccessKeyId": ("the store does not know this access key", KEYS),
    "SignatureDoesNotMatch": ("the secret key does not belong to the access key", KEYS),
    "NoCredentialsError": ("no key was found", KEYS),
    "PartialCredentialsError": ("only a part of the key was found", KEYS),
    "ProfileNotFound": (
        "there is no such profile in ~/.aws/config",
        "`aws configure list-profiles` tells them: dvc remote modify --local {name} profile PROFILE",
    ),
    "ExpiredToken": TOKEN,
    "ExpiredTokenException": TOKEN,
    "InvalidToken": TOKEN,
    "TokenRefreshRequired": TOKEN,
    "TokenRetrievalError": TOKEN,
    "SSOTokenLoadError": TOKEN,
    "UnauthorizedSSOTokenError": TOKEN,
    "RequestTimeTooSkewed": (
        "the clock of this machine and the store's are too far apart",
        "set the clock: `timedatectl set-ntp true`; of a virtual machine, its host's",
    ),
    "PermanentRedirect": REGION,
    "AuthorizationHeaderMalformed": REGION,
    "IllegalLocationConstraintException": REGION,
    "RecursionError": REGION,  # s3fs asks for the bucket's region, is sent on, and asks again
    "SlowDown": BUSY,
    "ServiceUnavailable": BUSY,
    "SSLError": (
        "the connection cannot be encrypted",
        "http:// for a server without TLS: dvc remote modify {name} endpointurl http://HOST; for a certificate of "
        "your own: dvc remote modify {name} ssl_verify /path/to/ca.pem",
    ),
    "EndpointConnectionError": DOWN,
    "ConnectionClosedError": DOWN,
    "ConnectTimeoutError": DOWN,
}


def code_of(error: BaseException) -> str | None:
    """Return the code of an error that concerns every request to the store; None: it does not, or is unknown."""
    return next((code for code in _codes(error) if code in FAULTS), None)


def meaning(code: str, name: str, url: str) -> tuple[str, str]:
    """Return what a code means and its mend, in the words of a remote of this name and address."""
    bucket = url.partition("://")[2].partition("/")[0]
    means, mend = (words.format(bucket=bucket, name=name) for words in FAULTS[code])
    return means, mend


def _codes(error: BaseException) -> Iterator[str]:
    """Yield the codes and names of an error and of those it was raised from."""
    link: BaseException | None = error
    for _ in range(LONGEST_CHAIN):
        if link is None:
            return
        response = getattr(link, "response", None)
        if isinstance(response, dict):
            yield str(response.get("Error", {}).get("Code"))
        yield type(link).__name__
        link = link.__cause__ or link.__context__


def trusted(settings: Mapping[str, Mapping], shared: Collection[str]) -> Iterator[Finding]:
    """Yield a warning for each remote from which a changed object would be pulled in silence.

    Args:
        settings: of each remote, as DVC reads its configuration.
        shared: names of the remotes that .dvc/config has; the others are this clone's alone.
    """
    for name, own in sorted(settings.items()):
        scheme, is_address, _ = str(own.get("url", "")).partition("://")
        # DVC hashes what it copies from a folder; a store of versions has no names by hash to compare with.
        is_hashed = not is_address or scheme in ("file", "remote") or own.get("version_aware") or own.get("worktree")
        if not is_hashed and not own.get("verify"):
            says = f"{name}: a damaged or changed object would be pulled in silence"
            local = "" if name in shared else "--local "
            yield Finding("remote", "warn", says, f"dvc remote modify {local}{name} verify true")
