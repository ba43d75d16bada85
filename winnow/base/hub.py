"""Models of a Hugging Face hub: what a commit holds, and single files of it, from the network or from the cache.

huggingface_hub reads `HF_TOKEN`, `HF_ENDPOINT`, `HF_HOME` and `HF_HUB_OFFLINE` itself, goes on with a download whose
connection was cut, and keeps half a file out of the cache. Here its errors become one line that says what to do.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from winnow.base import progress
from winnow.base.errors import UserError

if TYPE_CHECKING:
    from httpx2 import Client, Response
    from huggingface_hub import ModelInfo

COMMIT = re.compile(r"[0-9a-f]{40}")
ANSWER_BYTES = 32 * 2**20  # of a hub on a model; one that lists 100,000 files takes 25 MiB
PATIENCE = 60  # seconds without a byte of it


class UnreachableError(UserError):
    """The hub does not answer, or must not be asked; the cache may hold what is wanted."""


@dataclass(frozen=True)
class Digest:
    """What a hub says of a file's content: the SHA-256 of a large file, Git's SHA-1 of a small one."""

    sha256: str | None
    git: str | None


@dataclass(frozen=True)
class Commit:
    """A model at a commit."""

    model: str
    revision: str  # the full hash
    files: dict[str, Digest]
    licence: str | None  # as its card states it


def look(model: str, revision: str) -> Commit:
    """Return what a hub has of a model at a commit, a branch or a tag.

    Raises:
        UnreachableError: the hub does not answer, or HF_HUB_OFFLINE is set.
        UserError: there is no such model or revision, or no access to it, or the answer is larger than any hub's.
    """
    _prepare()
    with _explained(model, revision):
        info = _information(model, revision)
        files = {file.rfilename: Digest(file.lfs and file.lfs.sha256, file.blob_id) for file in info.siblings or []}
        card = info.card_data
    if not COMMIT.fullmatch(info.sha or ""):
        raise UserError(f"{model}: what answers names no commit, so it is no hub; check HF_ENDPOINT")
    licence = card and (card.get("license_name") or card.get("license"))
    return Commit(model, info.sha, files, licence if isinstance(licence, str) else None)


def _information(model: str, revision: str) -> "ModelInfo":
    """Return what `HfApi.model_info` does, which would read an answer without end to its end."""
    from huggingface_hub import ModelInfo, constants
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, validate_repo_id

    validate_repo_id(model)
    address = f"{constants.ENDPOINT}/api/models/{model}/revision/{quote(revision, safe='')}"
    asked = {"params": {"blobs": True}, "headers": build_hf_headers(), "timeout": PATIENCE}
    content = bytearray()
    with get_session().stream("GET", address, **asked) as answer:
        for block in answer.iter_bytes():  # unpacked, so that a small answer cannot become a large one
            content += block
            if len(content) > ANSWER_BYTES:
                raise UserError(
                    f"{model}: {constants.ENDPOINT} answers with more than {ANSWER_BYTES // 2**20} MiB, which no hub "
                    f"says of a model; check HF_ENDPOINT"
                )
    headers = [(name, value) for name, value in answer.headers.items() if name != "content-encoding"]
    read = type(answer)(answer.status_code, headers=headers, content=bytes(content), request=answer.request)
    hf_raise_for_status(read)
    return ModelInfo(**read.json())


def cached(model: str, revision: str) -> list[str]:
    """Return the names of a commit's files that lie in the cache."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json", revision=revision)
    if not isinstance(found, str):
        return []
    return sorted(path.name for path in Path(found).parent.iterdir() if path.is_file())


def fetch(model: str, revision: str, name: str, again: bool = False, most: int | None = None) -> Path:
    """Return the path of a commit's file in the cache, downloaded where it is missing.

    Args:
        again: download a file that is there, too.
        most: bytes after which the download is given up, whatever the hub says of its length; None: any.

    Raises:
        UnreachableError: it is not in the cache, and the hub does not answer or HF_HUB_OFFLINE is set.
        UserError: there is no such file or no access to it, the connection was cut again and again, or the file is
            larger than any of its kind.
    """
    from huggingface_hub import hf_hub_download

    _prepare()
    with _explained(model, revision):
        bar = None if most is None else _bounded(most, f"{model}: {name}")
        path = Path(hf_hub_download(model, name, revision=revision, force_download=again, tqdm_class=bar))
    if most is not None and path.stat().st_size > most:
        raise _too_large(f"{model}: {name}", most)
    return path


def _bounded(most: int, where: str) -> type:
    """Return a bar that ends a download with an error once it is larger than that: bars are told of every block."""
    from huggingface_hub.utils import tqdm

    class Bounded(tqdm):
        def __init__(self, *args: object, total: int | None = None, initial: int = 0, **named: object) -> None:
            self._read = 0
            super().__init__(*args, total=total, initial=initial, **named)
            self._count(max(total or 0, initial))
            self._read = initial

        def update(self, n: int = 1) -> bool | None:
            self._count(self._read + n)
            return super().update(n)

        def _count(self, read: int) -> None:
            self._read = read
            if read > most:
                raise _too_large(where, most)

    return Bounded


def _too_large(where: str, most: int) -> UserError:
    return UserError(
        f"{where}: more than {most // 2**20} MiB, which no such file of a model has; take another model, or check "
        f"HF_ENDPOINT"
    )


def cache_folder() -> str:
    """Return the folder in which huggingface_hub keeps what it downloads."""
    from huggingface_hub import constants

    return constants.HF_HUB_CACHE


def _prepare() -> None:
    """Show bars to people only, and no warning: it would repeat an address that may be signed. Bound refusals."""
    from huggingface_hub.utils import disable_progress_bars, logging

    logging.set_verbosity_error()
    if not progress.on_terminal():
        disable_progress_bars()
    _bound_refusals()


@cache  # the client is made anew after an error, by what is set here
def _bound_refusals() -> None:
    """Let huggingface_hub find nothing behind the headers of a refused download: it would read that without end.

    Status and headers say all that `_told` reads. Who writes gets the whole answer: one that refuses to make a
    repository which is there says its address.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    def client() -> "Client":
        made = default_client_factory()
        made.event_hooks = made.event_hooks | {"response": [*made.event_hooks["response"], _empty_refusal]}
        return made

    set_client_factory(client)


def _empty_refusal(response: "Response") -> None:
    from httpx2 import SyncByteStream

    class Nothing(SyncByteStream):
        def __init__(self, whole: SyncByteStream) -> None:
            self._whole = whole

        def __iter__(self) -> Iterator[bytes]:
            return iter(())

        def close(self) -> None:
            self._whole.close()

    if response.is_error and response.request.method in ("GET", "HEAD"):
        response.headers.pop("content-encoding", None)
        response.stream = Nothing(response.stream)


@contextmanager
def _explained(model: str, revision: str) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # of huggingface_hub, of its HTTP library, of the system
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
            raise  # the disk: `files.replacing` knows what to say
        raise _told(error, model, revision) from None


def _told(error: Exception, model: str, revision: str) -> UserError:
    from huggingface_hub import constants, errors

    if isinstance(error, errors.LocalEntryNotFoundError | ValueError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # why the hub was of no help
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None
    if isinstance(error, errors.GatedRepoError):
        return UserError(
            f"{model}: gated: accept its terms at {constants.ENDPOINT}/{model} and set HF_TOKEN to a token of the "
            f"account that did"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return UserError(f"{model}: no revision '{revision}'{_now_at(model)}; mend the revision")
    if isinstance(error, errors.RepositoryNotFoundError):
        return UserError(
            f"{model}: {constants.ENDPOINT} has no such model, or it is private; mend the id, or set HF_TOKEN to a "
            f"token that may read it"
        )
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return UserError(f"{model}: a file that the hub lists at {revision} is not there; take another revision")
    if status in (401, 403):
        return UserError(f"{model}: HF_TOKEN is not valid, or may not read this model (HTTP status {status})")
    if status is not None and status < 500 and status != 429:
        return UserError(f"{model}: {constants.ENDPOINT} answers with HTTP status {status}; check HF_ENDPOINT")
    if isinstance(error, errors.HFValidationError):
        return UserError(f"{model}: no name of a model; write owner/name")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return UnreachableError("HF_HUB_OFFLINE is set")
    if "Consistency check failed" in str(error):
        return UserError(f"{model}: the connection was cut; run again")
    reason = f"HTTP status {status}" if status else type(error).__name__
    return UnreachableError(f"{constants.ENDPOINT} cannot be reached ({reason})")


def _now_at(model: str) -> str:
    """Say at which commit a model's main branch is, where that can be found out."""
    try:
        return f"; main is at {look(model, 'main').revision}"
    except UserError:
        return ""
