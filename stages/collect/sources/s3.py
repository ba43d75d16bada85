"""kind s3: one object of S3 or of a store that speaks its protocol, pinned by its version id or its hash.

Credentials, region and endpoint come from the environment alone (AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL, a
role), as for any AWS tool.
"""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from stages.collect.sources import Reading
from stages.collect.sources.formats import FileSource, reading
from stages.collect.sources.store import stored
from winnow.base import files as files_
from winnow.base.download import Sha256
from winnow.base.errors import UserError
from winnow.base.hashing import digest
from winnow.readers.opening import inputs


class S3Object(FileSource):
    """One object of a bucket."""

    kind: Literal["s3"]
    uri: Annotated[str, Field(pattern=r"^s3://[^/?#@]+/[^?#]*[^/?#]$")]
    """The object, `s3://bucket/key`."""

    version: str | None = Field(default=None, pattern=r"^\S+$")
    """The object's version id, of a versioned bucket. An object is pinned by it, by `sha256`, or by both."""

    sha256: Sha256 | None = Field(default=None, validate_default=True)
    """SHA-256 of the object."""

    @field_validator("sha256")
    @classmethod
    def _pinned(cls, sha256: str | None, info: ValidationInfo) -> str | None:
        if sha256 is None and info.data.get("version") is None:
            raise ValueError("an object is pinned by version, sha256 or both; give one")
        return sha256

    def open(self, files: Path, downloads: Path) -> Reading:
        """Return the object's rows; see `Source.open`."""
        where = f"source '{self.name}': {self.uri}"
        name = PurePosixPath(self.uri).name
        target = downloads / (self.sha256 or digest(self.uri, self.version)) / name
        path = stored(target, self.sha256, lambda partial: self._fetch(partial, where), where)
        pin = self.model_dump(include={"kind", "uri", "version"}, exclude_none=True) | {"sha256": files_.sha256(path)}
        return reading(self, inputs(name, path, self.member), pin)

    def _fetch(self, target: Path, where: str) -> None:
        import s3fs

        try:
            store = s3fs.S3FileSystem(skip_instance_cache=True, version_aware=self.version is not None)
            store.get_file(self.uri, str(target), version_id=self.version)
        except FileNotFoundError:
            at = f" of version {self.version}" if self.version else ""
            raise UserError(f"{where}: no such object{at}; mend uri or version") from None
        except PermissionError as error:
            raise UserError(f"{where}: access denied ({error}); check the credentials' rights") from None
        except Exception as error:  # botocore has one of its own for each mishap
            reason = {"NoCredentialsError": "no credentials; set AWS_ACCESS_KEY_ID or AWS_PROFILE"}
            raise UserError(f"{where}: cannot be fetched: {reason.get(type(error).__name__, error)}") from None
