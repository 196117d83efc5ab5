"""Migration files: `NNNN_words.sql`, numbered without gaps, never changed once applied.

Header lines, at the top of a file:

- `-- no-transaction`: its statements run one by one outside a transaction, as
  `CREATE INDEX CONCURRENTLY` needs. Write them so that running twice is harmless.
- `-- if-available: pg_trgm, btree_gin`: the statements run only where all these extensions can be
  had; elsewhere the file counts as applied and is marked as skipped.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from scimserver.db import sqltext

_FILE_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9]+(?:_[a-z0-9]+)*)\.sql")
_HEADER = re.compile(r"-- (?P<key>no-transaction|if-available)(?:: *(?P<value>.+?))? *")
_TRANSACTION_CONTROL = re.compile(r"(?:BEGIN|COMMIT|END|ROLLBACK|ABORT|START\s+TRANSACTION)\b", re.IGNORECASE)


class MigrationError(Exception):
    """The schema cannot be brought up to date; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file, read but not run."""

    version: int
    name: str
    sha256: str
    """Digest of the file's bytes, in hexadecimal."""
    sql: str
    in_transaction: bool
    extensions: tuple[str, ...]
    """Extensions without which the statements are skipped."""

    def __str__(self) -> str:
        """The file's name without its ending."""
        return f"{self.version:04d}_{self.name}"


def read(folder: Path) -> list[Migration]:
    """The folder's migrations in their order; raises `MigrationError` on a wrong name or a gap."""
    migrations = [_read_file(path) for path in sorted(folder.glob("*.sql"))]
    for expected, migration in enumerate(migrations, start=1):
        if migration.version != expected:
            raise MigrationError(
                f"{migration}.sql stands where number {expected:04d} is due:"
                " migrations are numbered from 0001 without gaps or repetitions"
            )
    return migrations


def _read_file(path: Path) -> Migration:
    matched = _FILE_NAME.fullmatch(path.name)
    if matched is None:
        raise MigrationError(f"{path.name}: rename it to NNNN_words.sql, in lower case")
    data = path.read_bytes()
    sql = data.decode("utf-8")
    headers = _headers(sql)
    for statement in sqltext.statements(sql):
        if _TRANSACTION_CONTROL.match(statement):
            raise MigrationError(
                f"{path.name}: take out '{statement}': the runner begins and ends transactions"
            )
    return Migration(
        version=int(matched["version"]),
        name=matched["name"],
        sha256=hashlib.sha256(data).hexdigest(),
        sql=sql,
        in_transaction="no-transaction" not in headers,
        extensions=tuple(name.strip() for name in headers.get("if-available", "").split(",") if name.strip()),
    )


def _headers(sql: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        if matched := _HEADER.fullmatch(line):
            headers[matched["key"]] = matched["value"] or ""
    return headers
