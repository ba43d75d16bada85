"""Users of moto and what they may do."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from tests.remotes.servers import Server


def user(server: Server, name: str, policy: dict | None) -> Server:
    """Make a user with a policy, or without any; return the server with the keys of that user."""
    iam = server.client("iam")
    # boto3 asks again when it had no answer in time, and its first question may have made the user.
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return replace(server, key=made["AccessKeyId"], secret=made["SecretAccessKey"])


@contextmanager
def rights_checked(server: Server) -> Iterator[None]:
    """Have moto check rights meanwhile; it is one for all tests of the process."""

    def unchecked(actions: bytes) -> None:
        request = urllib.request.Request(f"{server.url}/moto-api/reset-auth", actions, {"Content-Type": "text/plain"})
        urllib.request.urlopen(request).read()

    unchecked(b"0")
    try:
        yield
    finally:
        unchecked(b"inf")
