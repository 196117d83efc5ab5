"""SQL by the conventions of sql/README.md: org_id leads, the log only grows, PostgreSQL is plain.

Source only: tests/database/test_schema.py asks PostgreSQL about the same files.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scimserver.db import sqltext

ROOT = Path(__file__).resolve().parents[2]
SQL = ROOT / "sql"

NOT_OF_ONE_ORGANIZATION = {
    "access.caller_of_token": "the token's digest says which organisation calls",
    "access.digests_in_use": "a process that starts knows callers of all organisations, by digest only",
    "access.touch_tokens": "a batch of several organisations; each row names its own",
    "bin.overdue": "housekeeping of the installation",
    "candidates.organization_of_name": "whose people sign in, before an organisation is known",
    "cloning.lock_stem": "its lock is the organisation's and the stem's; touches no table",
    "domains.clashing_domains": "a domain belongs to one organisation of the installation",
    "domains.lock_domains": "as clashing_domains; touches no table",
    "enforcing.hold_rules": "its id is the org_id of everything else",
    "health.ping": "whether the migrations' table is there",
    "mail.claim_job": "the worker sends what waits longest, of whichever organisation; the row names its own",
    "mail.count_jobs": "a metric of the installation",
    "organizations.find_organization": "an operator finds an organisation by its name",
    "organizations.insert_organization": "makes the organisation; its id is the org_id of everything else",
    "organizations.list_organizations": "an operator's list of the installation",
    "organizations.read_deactivation": "its id is the org_id of everything else",
    "organizations.read_password_push": "its id is the org_id of everything else",
    "organizations.update_organization": "its id is the org_id of everything else",
    "recovery.hold_organization": "its id is the org_id of everything else",
    "reset_requests.claim_request": "as mail.claim_job",
    "reset_requests.find_accounts": "nobody says of which organisation they are where they sign in",
    "saml.claim_look": "as mail.claim_job",
    "sweeping.drop_ended_sessions": "housekeeping of the installation",
    "sweeping.drop_old_devices": "housekeeping of the installation",
    "sweeping.drop_old_sources": "housekeeping of the installation",
    "sweeping.drop_old_tries": "housekeeping of the installation",
    "roles.has_free_names": "its id is the org_id of everything else",
    "roles.renew_rules": "its id is the org_id of everything else",
    "sweeping.drop_dead_links": "housekeeping of the installation",
    "sweeping.drop_failed_mail": "housekeeping of the installation",
    "sweeping.drop_idle_allowances": "housekeeping of the installation",
    "sweeping.drop_old_saml_assertions": "housekeeping of the installation",
    "sweeping.drop_old_saml_requests": "housekeeping of the installation",
    "tidying.drop_old_messages": "housekeeping of the installation",
    "tidying.drop_old_removals": "housekeeping of the installation",
    "tidying.fold_totals": "housekeeping of the installation",
    "tries.give_back_to_source": "an address from which people sign in belongs to no organisation",
    "tries.take_from_source": "as give_back_to_source",
    "tries.wait_of_source": "as give_back_to_source",
    "saml.hold_organization": "its id is the org_id of everything else",
    "saml.hold_rules": "as users.hold_rules",
    "users.hold_rules": "its id is the org_id of everything else",
    "tidying.try_tidying": "housekeeping of the installation; touches no table",
}
"""Queries that bind no organisation, and why each may."""

INDEXES_NOT_LED = {
    "deleted_users_deleted_idx": "who was deleted long ago is found in all organisations at once",
    "mail_jobs_due_idx": "the worker looks for what is due in all organisations at once",
    "outbox_created_idx": "old messages of all organisations are dropped at once",
    "reset_requests_due_idx": "as mail_jobs_due_idx",
    "known_devices_last_used_idx": "old devices of all organisations are dropped at once",
    "saml_assertions_expires_idx": "old ones of all organisations are dropped at once",
    "saml_requests_expires_idx": "as saml_assertions_expires_idx",
    "sessions_expires_idx": "ended sessions of all organisations are dropped at once",
    "sign_in_sources_empty_at_idx": "its table is global",
    "sign_in_tries_latest_idx": "old tries of all organisations are dropped at once",
    "users_emails_idx": "a GIN index has no leading column; each query binds org_id beside it",
    "users_phone_numbers_idx": "as users_emails_idx",
}
"""Indexes that org_id does not lead, and why each may."""

_BLOCK = re.compile(
    r"^-- (?:name|change|record): *(\w+) *\n(.*?)(?=^-- (?:name|change|record):|\Z)", re.MULTILINE | re.DOTALL
)
_TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*?)\n\)(?: WITH \([^)]*\))?;", re.DOTALL)
_KEY = re.compile(r"(PRIMARY KEY|UNIQUE|FOREIGN KEY) \(([^)]*)\)(?:\s+REFERENCES (\w+) \(([^)]*)\))?")
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?(\w+)\s+ON (\w+) ([^;]*)")
_BOUND = re.compile(r"\borg_id = \$\d+")
_INSERTED = re.compile(r"INSERT INTO (\w+) \(([^)]*)\)\s*(?:VALUES \(|SELECT )(\$\d+|\w+)")
_READ = re.compile(r"\b(?:FROM|JOIN|UPDATE)\s+(?:ONLY\s+)?(\w+)(?:\s+AS\s+(\w+))?")
_NOT_PLAIN = re.compile(
    r"CREATE (?:OR REPLACE )?(?:CONSTRAINT )?(?:TRIGGER|FUNCTION|PROCEDURE|RULE)\b", re.IGNORECASE
)
_LOG_CHANGED = re.compile(
    r"\b(?:UPDATE|DELETE FROM|TRUNCATE(?: TABLE)?|MERGE INTO)\s+(?:ONLY\s+)?log_entries\b"
    r"|INSERT INTO log_entries\b[^;]*\bDO UPDATE",
    re.IGNORECASE,
)


def _queries() -> dict[str, str]:
    """Each block's text without comments, by `subject.name`."""
    return {
        f"{path.stem}.{name}": sqltext.without_comments(body)
        for path in sorted((SQL / "queries").glob("*.sql"))
        for name, body in _BLOCK.findall(path.read_text())
    }


def _migrations() -> dict[str, str]:
    """Each migration's text without comments, and that of the whole schema."""
    paths = [*sorted((SQL / "migrations").glob("*.sql")), SQL / "schema.sql"]
    return {path.name: sqltext.without_comments(path.read_text()) for path in paths}


def _global_tables() -> set[str]:
    """The tables that sql/README.md lists as global."""
    listed = (SQL / "README.md").read_text().partition("### Global tables")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE))


def _tables() -> dict[str, str]:
    """The tables of all migrations: name and what stands between the parentheses."""
    return {name: body for text in _migrations().values() for name, body in _TABLE.findall(text)}


def _unbound(sql: str, tables: set[str]) -> Iterator[str]:
    """The tables, among `tables`, of which a statement might touch another organisation's rows."""
    for table, columns, first in _INSERTED.findall(sql):
        if table in tables and not (columns.startswith("org_id,") and first.startswith("$")):
            yield table
    for table, alias in _READ.findall(sql):
        if table not in tables:
            continue
        column = rf"\b{alias}\.org_id" if alias else r"(?<![.\w])org_id"
        if not re.search(rf"{column} = |= {column}\b", sql):
            yield table


def _binds_organization(sql: str) -> bool:
    """Whether the organisation comes as an argument: in a condition, or in the row that is inserted."""
    inserted = any(
        "org_id" in columns and first.startswith("$") for _, columns, first in _INSERTED.findall(sql)
    )
    return inserted or bool(_BOUND.search(sql))


def _not_led(name: str, body: str, free: set[str]) -> Iterator[str]:
    """The keys of a table that org_id does not lead."""
    for kind, columns, other, referred in _KEY.findall(body):
        led = columns.split(",")[0].strip() == "org_id"
        refers = not other or other in free or referred.split(",")[0].strip() == "org_id"
        if not (led and refers) and not (name in free and kind != "FOREIGN KEY"):
            yield f"{name}: {kind} ({columns})"


def test_queries_bind_their_organization():
    unbound = {name for name, sql in _queries().items() if not _binds_organization(sql)}
    assert unbound == NOT_OF_ONE_ORGANIZATION.keys()


def test_queries_bind_every_table_they_touch():
    owned = _tables().keys() - _global_tables()
    unbound = {name: tables for name, sql in _queries().items() if (tables := list(_unbound(sql, owned)))}
    assert {name: tables for name, tables in unbound.items() if name not in NOT_OF_ONE_ORGANIZATION} == {}


@pytest.mark.parametrize(
    "sql,tables",
    [
        ("SELECT id FROM users WHERE id = $1", ["users"]),
        ("SELECT u.id FROM users AS u JOIN roles AS r ON r.id = u.role_id WHERE u.org_id = $1", ["roles"]),
        ("UPDATE users SET active = false WHERE id = $1", ["users"]),
        ("DELETE FROM users WHERE id = $1", ["users"]),
        ("INSERT INTO users (id, org_id) VALUES ($1, $2)", ["users"]),
        ("INSERT INTO users (org_id, id) SELECT org_id, $1 FROM organizations", ["users"]),
        ("SELECT u.id FROM users AS u JOIN roles AS r ON r.org_id = u.org_id WHERE u.org_id = $1", []),
        ("INSERT INTO users (org_id, id) VALUES ($1, $2)", []),
        ("SELECT id FROM organizations WHERE name = $1", []),
    ],
)
def test_unbound_table_is_found(sql: str, tables: list[str]):
    assert list(_unbound(sql, {"users", "roles"})) == tables


def test_every_file_of_queries_is_read_whole():
    written = sum(
        len(re.findall(r"^-- (?:name|change|record):", path.read_text(), re.MULTILINE))
        for path in (SQL / "queries").glob("*.sql")
    )
    assert len(_queries()) == written


def test_log_entries_are_only_ever_inserted():
    texts = {**_queries(), **{str(path): path.read_text() for path in (ROOT / "scimserver").rglob("*.py")}}
    assert [name for name, text in texts.items() if _LOG_CHANGED.search(text)] == []


def test_log_entries_go_with_no_other_row():
    assert "CASCADE" not in _tables()["log_entries"]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM log_entries WHERE org_id = $1",
        "update only log_entries SET entry = ''",
        "TRUNCATE log_entries",
        "INSERT INTO log_entries (org_id) VALUES ($1) ON CONFLICT (org_id, id) DO UPDATE SET entry = ''",
    ],
)
def test_change_of_the_log_is_found(sql: str):
    assert _LOG_CHANGED.search(sql)


def test_keys_are_led_by_the_organization():
    free = _global_tables()
    assert [key for name, body in _tables().items() for key in _not_led(name, body, free)] == []


@pytest.mark.parametrize(
    "body,count",
    [
        ("CONSTRAINT a PRIMARY KEY (id)", 1),
        ("CONSTRAINT a UNIQUE (name, org_id)", 1),
        ("CONSTRAINT a FOREIGN KEY (user_id) REFERENCES users (id)", 1),
        ("CONSTRAINT a FOREIGN KEY (org_id, role_id) REFERENCES roles (id, org_id)", 1),
        ("CONSTRAINT a FOREIGN KEY (org_id, role_id) REFERENCES roles (org_id, id)", 0),
        ("CONSTRAINT a FOREIGN KEY (org_id) REFERENCES organizations (id)", 0),
    ],
)
def test_key_that_is_not_led_is_found(body: str, count: int):
    assert len(list(_not_led("things", body, {"organizations"}))) == count


def test_tables_that_are_not_global_belong_to_an_organization():
    strangers = [
        name for name, body in _tables().items() if not re.search(r"^\s*org_id\s", body, re.MULTILINE)
    ]
    assert set(strangers) <= _global_tables()


def test_indexes_are_led_by_the_organization():
    indexes = [found for text in _migrations().values() for found in _INDEX.findall(text)]
    not_led = {name for name, _, columns in indexes if not columns.startswith("(org_id")}
    assert not_led == INDEXES_NOT_LED.keys()


@pytest.mark.parametrize("name", [path.name for path in (SQL / "migrations").glob("*.sql")])
def test_migration_is_plain(name: str):
    # What needs an extension stands in a file of its own, which is left out where there is none.
    text = (SQL / "migrations" / name).read_text()
    assert not _NOT_PLAIN.search(text)
    assert "CREATE EXTENSION" not in text or "\n-- if-available:" in "\n" + text


def test_constraints_have_written_out_names():
    columns = [
        f"{name}: {line.strip()}"
        for name, body in _tables().items()
        for line in body.splitlines()
        if re.search(r"PRIMARY KEY|UNIQUE|FOREIGN KEY|CHECK|REFERENCES", line)
        and not re.match(r"\s+(CONSTRAINT|REFERENCES)\b", line)
    ]
    assert columns == []
