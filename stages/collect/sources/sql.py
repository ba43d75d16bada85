"""kind sql: the rows of a query, streamed through SQLAlchemy (extra `sql`); nothing is ever committed."""

import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import Field, ValidationInfo, field_validator

from stages.collect.sources import Reading, Source, fingerprinted
from winnow import readers
from winnow.base.download import Sha256
from winnow.base.errors import UserError
from winnow.base.files import sha256
from winnow.readers import Record, check_columns, check_once
from winnow.readers.layout import local


class Query(Source):
    """A query's rows. `ORDER BY` makes the order, and so the hash of what was read, the same each time."""

    kind: Literal["sql"]
    query: str = Field(min_length=1)
    """A SELECT. `ORDER BY` makes the order of the rows, and so their hash, the same each time."""

    url: str | None = Field(default=None, pattern=r"^sqlite:///[^?]+$")
    """A SQLite file below data/sources, `sqlite:///file.db`."""

    url_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", validate_default=True)
    """The environment variable that holds the SQLAlchemy URL of any other database, credentials and all."""

    sha256: Sha256 | None = None
    """SHA-256 of the rows, as the manifest states it. Null takes what the database holds today."""

    @field_validator("url_env")
    @classmethod
    def _one_place(cls, url_env: str | None, info: ValidationInfo) -> str | None:
        if (url_env is None) == (info.data.get("url") is None):
            raise ValueError("give url (SQLite) or url_env (any other database), one of them")
        return url_env

    def open(self, files: Path, downloads: Path) -> Reading:
        """Return the query's rows; see `Source.open`."""
        where = f"source '{self.name}'"
        try:
            import sqlalchemy
        except ImportError:
            raise UserError(f"{where}: kind sql needs SQLAlchemy: pip install '.[sql]'") from None

        pin = {"kind": self.kind, "query": self.query}
        if self.url is not None:
            (path,) = local(f"{where}: url", glob_escaped(self.url.removeprefix("sqlite:///")), files, False).values()
            pin |= {"url": self.url, "database_sha256": sha256(path)}
            address = sqlalchemy.URL.create("sqlite")
            options = {"creator": lambda: sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)}
        else:
            pin["url_env"] = self.url_env
            address, options = _address(self.url_env, where, sqlalchemy), {}
        blocks = readers.blocks(self._records(address, options, where), self.columns.used())
        return fingerprinted(blocks, pin, self.sha256, where)

    def _records(self, address, options: dict, where: str) -> Iterator[Record]:
        import sqlalchemy

        columns = self.columns.used()
        try:
            engine = sqlalchemy.create_engine(address, **options)
            with engine.connect() as connection:
                # Without parameters, so that `%` and `:` in the query stay what they are.
                streaming = connection.execution_options(no_parameters=True, yield_per=readers.BLOCK_ROWS)
                rows = streaming.exec_driver_sql(self.query)
                if not rows.returns_rows:
                    raise UserError(f"{where}: the query returns no rows; write a SELECT")
                names = list(rows.keys())
                check_columns(where, columns, names)
                check_once(where, columns, names, "name one otherwise in the query: AS")
                wanted = [names.index(name) for name in columns]
                for number, row in enumerate(rows, 1):
                    yield Record(f"row {number} of the query", [row[index] for index in wanted])
        except ImportError as error:
            raise UserError(f"{where}: the database's driver is missing ({error}); install it with pip") from None
        except sqlalchemy.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error)
            if address.password:
                reason = reason.replace(address.password, "***")
            raise UserError(f"{where}: the database says: {reason}") from None


def _address(variable: str, where: str, sqlalchemy):
    value = os.environ.get(variable)
    if not value:
        raise UserError(f"{where}: the environment variable {variable} is not set; it holds the database's URL")
    try:
        return sqlalchemy.make_url(value)
    except sqlalchemy.exc.ArgumentError:  # its message may hold the URL
        raise UserError(f"{where}: {variable} holds no SQLAlchemy URL (dialect://user:password@host/name)") from None


def glob_escaped(path: str) -> str:
    """Return a path that stands for itself where a glob is read."""
    return re.sub(r"([*?[])", r"[\1]", path)
