"""Folders put onto a Hugging Face hub, in one commit; its errors become one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from winnow.base.errors import UserError

Kind = Literal["dataset", "model"]


def push(folder: Path, repo: str, kind: Kind, private: bool) -> str:
    """Make a repository if it is not there, put a folder's files into it, and return the address of the commit.

    huggingface_hub reads HF_TOKEN and HF_ENDPOINT itself.

    Raises:
        UserError: the hub cannot be reached or refuses, or the repository is public and should be private.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    api = HfApi()
    with _explained(repo, kind):
        api.create_repo(repo, repo_type=kind, private=private, exist_ok=True)
        if private and not api.repo_info(repo, repo_type=kind).private:
            raise UserError(f"{kind} {repo}: is there already and public; give --public, or another name")
        made = api.upload_folder(
            folder_path=folder, repo_id=repo, repo_type=kind, commit_message="Published by winnow publish"
        )
    return str(made.commit_url)


@contextmanager
def _explained(repo: str, kind: Kind) -> Iterator[None]:
    from huggingface_hub import constants, errors

    where = f"{kind} {repo}"
    try:
        yield
    except UserError:
        raise
    except errors.HFValidationError as error:
        raise UserError(f"{where}: no name of a repository, which is owner/name: {error}") from None
    except errors.OfflineModeIsEnabled:
        raise UserError(f"{where}: HF_HUB_OFFLINE is set, so nothing is pushed; unset it") from None
    except Exception as error:  # of huggingface_hub, of its HTTP library, of the system
        if (status := _status(error)) is not None:
            raise UserError(f"{where}: {_told(status)}") from None
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
            raise  # the disk
        raise UserError(f"{where}: {constants.ENDPOINT} cannot be reached ({type(error).__name__})") from None


def _status(error: BaseException | None) -> int | None:
    """Return the hub's answer that an error, or what caused it, stands for; None: it gave none."""
    from huggingface_hub import errors

    while error is not None:
        if isinstance(error, errors.HfHubHTTPError):
            return error.response.status_code
        error = error.__cause__ or error.__context__
    return None


def _told(status: int) -> str:
    from huggingface_hub import constants

    return {
        401: f"{constants.ENDPOINT} does not know you (HTTP status 401); set HF_TOKEN to a token that may write",
        403: "your token may not write there (HTTP status 403); give it write access, or name another owner",
        404: "no such owner, or your token may not see it (HTTP status 404); mend the name",
        409: "somebody else has changed it meanwhile (HTTP status 409); run again",
        412: "somebody else has changed it meanwhile (HTTP status 412); run again",
        413: "a file is too large for this hub (HTTP status 413)",
        429: "the hub has had too many requests (HTTP status 429); wait and run again",
    }.get(status, f"{constants.ENDPOINT} answers with HTTP status {status}; nothing is said to be published")
