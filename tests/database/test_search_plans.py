"""Searches run on the indexes made for them: in an organisation of 100,000 users beside small ones.

Lookups are planned once for all values, other searches for each: so are they here, with what the server
selects of each resource, whole or without what derives from elsewhere.
"""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from scimserver.db.queries import Query, load
from scimserver.directory import views
from scimserver.kernel.ids import OrganizationId
from scimserver.scim.page_sql import RowColumns
from scimserver.scim.reads import PLAIN_ROWS, WHOLE_ROWS
from scimserver.scim.search_sql import Search, SearchStatement, statement
from tests.conftest import Administration
from tests.searched import Rows, rows_of

LARGE = OrganizationId(UUID("0190b8a0-0000-7000-8000-000000000001"))
MIDDLING = OrganizationId(UUID("0190b8a0-0000-7000-8000-000000000002"))

_LOAD = """
SET session_replication_role = replica;  -- Not a test of foreign keys.

CREATE TEMPORARY TABLE dropped AS
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'users' AND indexname LIKE '%\\_idx';
DO $$ BEGIN EXECUTE (SELECT string_agg('DROP INDEX ' || indexname, '; ') FROM dropped); END $$;

CREATE TEMPORARY TABLE sizes AS
SELECT ('0190b8a0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid AS org_id,
       CASE n WHEN 1 THEN 100000 WHEN 2 THEN 1000 ELSE 20 END AS size
FROM generate_series(1, 300) AS n;

INSERT INTO users (org_id, id, user_name, user_name_key, external_id, display_name, display_name_key,
                   family_name_key, active, role_id, mail_stand_in, version, created, last_modified,
                   document, shadow)
SELECT org_id, (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid,
       address, address, 'x' || n, 'Display ' || n, 'display ' || n, 'family ' || n % 1000, true,
       org_id, false, 1, moment, moment, convert_to(repeat(md5(n::text), 20), 'UTF8'),
       jsonb_build_object('emails', jsonb_build_array(
           jsonb_build_object('type', 'work', 'value', address, 'primary', true),
           jsonb_build_object('type', 'home', 'value', 'home-' || address)))
FROM sizes, generate_series(1, size) AS n,
     LATERAL (SELECT 'user' || n || '@' || right(org_id::text, 3) || '.example' AS address,
                     timestamptz '2026-01-01' + n * interval '1 second' AS moment) AS made;

DO $$ BEGIN EXECUTE (SELECT string_agg(indexdef, '; ') FROM dropped); END $$;

INSERT INTO groups (org_id, id, display_name, display_name_key, version, created, last_modified,
                    document, shadow)
SELECT org_id, id, display_name, display_name_key, 1, created, last_modified, document, '{}'
FROM users WHERE left(id::text, 8) < '00000080';

-- Of each ten cases, seven belong to one user, three to nobody.
INSERT INTO cases (org_id, id, subject, subject_key, status, owner_id, version, created, last_modified,
                   document, shadow)
SELECT org_id, id, display_name, display_name_key, 'open',
       CASE WHEN n % 10 < 7
            THEN (lpad(to_hex(n / 10 * 10 + 1), 8, '0') || '-0000-7000-8000-000000000000')::uuid END,
       1, created, last_modified, document, '{}'
FROM (SELECT *, ('x' || left(id::text, 8))::bit(32)::int AS n FROM users) AS numbered WHERE n <= 20000;

INSERT INTO group_members (org_id, group_id, user_id, added)
SELECT u.org_id, g.id, u.id, u.created FROM users AS u JOIN groups AS g ON g.org_id = u.org_id
WHERE right(left(u.id::text, 8), 2) = right(left(g.id::text, 8), 2);
"""


@pytest.fixture(scope="module")
def rows(database_administration: Administration, database_template: str) -> Generator[Rows]:
    with (
        database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn,
        rows_of(dsn) as rows,
    ):
        rows.run(rows.connection.execute(_LOAD))
        rows.run(rows.connection.execute("VACUUM ANALYZE"))
        yield rows


Scans = set[tuple[str, str]]
"""How tables are read, by index or whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is selected of each resource found, and how that alone is read."""

    rows: Mapping[str, RowColumns]
    of_users: Scans
    of_groups: Scans


MEMBERSHIPS = ("Index Only Scan", "group_members_user_id_idx")
MEMBERS = ("Index Only Scan", "group_members_pkey")
PLAIN = Asked(rows=PLAIN_ROWS, of_users=set(), of_groups=set())
WHOLE = Asked(
    rows=WHOLE_ROWS,
    of_users={MEMBERSHIPS, ("Index Scan", "groups_pkey"), ("Index Scan", "users_pkey")},
    of_groups={MEMBERS, ("Index Scan", "users_pkey")},
)
both_ways = pytest.mark.parametrize(
    "asked", [pytest.param(PLAIN, id="plain"), pytest.param(WHOLE, id="whole")]
)


def over_users(search: Search, asked: Asked, organization: OrganizationId = LARGE) -> SearchStatement:
    return statement(search, asked.rows["User"], organization=organization)


def over_groups(search: Search, asked: Asked, organization: OrganizationId = LARGE) -> SearchStatement:
    return statement(search, asked.rows["Group"], organization=organization)


def scans(rows: Rows, built: SearchStatement) -> Scans:
    """How the page's statement reads tables, on the kind of plan that its pool gives it."""
    assert built.query is not None
    return _planned(rows, built.query, built.arguments, for_all_values=built.hot)


def _planned(rows: Rows, query: Query, arguments: Sequence[object], *, for_all_values: bool) -> Scans:
    mode = "force_generic_plan" if for_all_values else "force_custom_plan"
    values = ", ".join(_literal(value) for value in arguments)
    execute = f"EXECUTE search ({values})" if values else "EXECUTE search"
    rows.run(rows.connection.execute(f"SET plan_cache_mode = {mode}; PREPARE search AS {query.sql}"))
    explained = rows.run(rows.connection.fetchval(f"EXPLAIN (FORMAT JSON) {execute}"))
    rows.run(rows.connection.execute("DEALLOCATE search"))
    return set(_scans(json.loads(explained)[0]["Plan"]))


def _literal(value: object) -> str:
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def _scans(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if node.get("Subplan Name") and "saml_connections" in json.dumps(node):
        # By what a user signs in is looked up one by one, and only of those who do; the table is empty here.
        return
    if "Index Name" in node:
        yield node["Node Type"], node["Index Name"]
    elif node["Node Type"] == "Seq Scan":
        yield "Seq Scan", node["Relation Name"]
    for inner in node.get("Plans", ()):
        yield from _scans(inner)


ID = "00000fff-0000-7000-8000-000000000000"
DOCUMENTS = ("Index Scan", "users_pkey")
TOTALS = {("Seq Scan", "totals"), ("Seq Scan", "total_deltas")}
"""Two tables that are empty here."""

LOOKUPS = [
    (f'id eq "{ID}"', ("Index Scan", "users_pkey")),
    ('userName eq "user777@001.example"', ("Index Scan", "users_user_name_key")),
    ('externalId eq "x777"', ("Index Scan", "users_external_id_idx")),
    ('displayName eq "Display 777"', ("Index Scan", "users_display_name_idx")),
    ('emails[type eq "work"].value eq "user777@001.example"', ("Bitmap Index Scan", "users_emails_idx")),
    ('emails eq "user777@001.example"', ("Bitmap Index Scan", "users_emails_idx")),
    ('userName eq "user777@001.example" and active eq true', ("Index Scan", "users_user_name_key")),
]


@both_ways
@pytest.mark.parametrize("text,scan", LOOKUPS)
def test_lookup_reads_its_index_alone_on_one_plan_for_all_values(rows, text, scan, asked: Asked):
    built = over_users(Search(filter=text, count=100), asked)
    assert built.hot
    assert scans(rows, built) == {scan} | asked.of_users


@both_ways
def test_lookup_of_a_group_by_name_reads_its_index_alone(rows, asked: Asked):
    built = over_groups(Search(filter='displayName eq "x"', count=100), asked)
    assert built.hot
    assert scans(rows, built) == {("Index Scan", "groups_display_name_idx")} | asked.of_groups


READS = [
    pytest.param(views.VIEW_USER_PLAIN, {("Index Scan", "users_pkey")}, id="user, plain"),
    pytest.param(views.VIEW_USER, WHOLE.of_users, id="user, whole"),
    pytest.param(views.VIEW_GROUP_PLAIN, {("Index Scan", "groups_pkey")}, id="group, plain"),
    pytest.param(views.VIEW_GROUP, {("Index Scan", "groups_pkey")} | WHOLE.of_groups, id="group, whole"),
]


@pytest.mark.parametrize("query,expected", READS)
def test_read_of_one_resource_goes_by_primary_keys_on_one_plan_for_all_values(rows, query, expected):
    assert _planned(rows, query, [LARGE, ID], for_all_values=True) == expected


SEARCHES = [
    pytest.param(Search(count=100), "users_pkey", TOTALS, id="first page"),
    pytest.param(Search(count=100, start=90_000), "users_pkey", TOTALS, id="deep page"),
    pytest.param(
        Search(count=100, sort_by="displayName", start=50_000),
        "users_display_name_idx",
        TOTALS,
        id="deep, sorted",
    ),
    pytest.param(
        Search(filter='name.familyName sw "family 77"', sort_by="name.familyName", count=100),
        "users_family_name_idx",
        set(),
        id="prefix, sorted by it",
    ),
    pytest.param(
        Search(filter='meta.lastModified gt "2026-01-02T03:45:00Z"', count=100),
        "users_last_modified_idx",
        set(),
        id="changed lately",
    ),
    pytest.param(
        Search(filter='meta.lastModified gt "2026-01-01T12:00:00Z"', sort_by="meta.lastModified", count=100),
        "users_last_modified_idx",
        set(),
        id="changed, in order of change",
    ),
]


OWNED = ("Index Scan", "cases_owner_id_idx")
OWNED_ONLY = ("Index Only Scan", "cases_owner_id_idx")


@both_ways
def test_cases_of_a_user_are_found_by_the_owner(rows, asked: Asked):
    search = Search(filter=f'owner.value eq "{ID}" and status eq "open"', count=10)
    built = statement(search, asked.rows["Case"], organization=LARGE)
    assert built.hot
    holder = {("Index Scan", "users_pkey")} if asked is WHOLE else set()
    assert scans(rows, built) == {OWNED} | holder


@pytest.mark.parametrize("name,arguments", [("count_owned", ()), ("unassign_cases", ("2026-01-01", 250))])
def test_cases_of_who_leaves_are_found_by_the_owner(rows, name: str, arguments: tuple[object, ...]):
    found = _planned(rows, load("cases")[name], (LARGE, ID, *arguments), for_all_values=True)
    changed = {("Index Scan", "cases_pkey")} if name == "unassign_cases" else set()
    assert found - {OWNED, OWNED_ONLY} == changed
    assert found > changed


def test_teams_of_who_comes_back_are_found_by_their_key(rows):
    found = _planned(rows, load("bin")["hold_groups"], (LARGE, "{" + ID + "}"), for_all_values=True)
    assert found == {("Index Scan", "groups_pkey")}


def test_number_of_a_clone_is_looked_up_in_the_index_of_names(rows):
    free_number = load("cloning")["free_number"]
    found = _planned(rows, free_number, (LARGE, "user7@001.example (copy "), for_all_values=True)
    assert found == {("Index Only Scan", "users_user_name_key")}


@both_ways
@pytest.mark.parametrize("search,index,others", SEARCHES)
def test_page_by_index_counts_off_ids_in_an_index_and_reads_only_its_documents(
    rows, search, index, others, asked: Asked
):
    expected = {("Index Only Scan", index), DOCUMENTS} | others
    assert scans(rows, over_users(search, asked)) == expected | asked.of_users


ANCHOR = {"d": "next", "k": None, "i": ID}
NAMED = {"d": "next", "k": "display 5", "i": ID}

CURSORS = [
    pytest.param(None, ANCHOR, "users_pkey", id="by id"),
    pytest.param(None, {**ANCHOR, "d": "previous"}, "users_pkey", id="by id, back"),
    pytest.param("displayName", NAMED, "users_display_name_idx", id="by name"),
    pytest.param("displayName", {**NAMED, "d": "previous"}, "users_display_name_idx", id="by name, back"),
    pytest.param("displayName", ANCHOR, "users_display_name_idx", id="by name, among the nameless"),
]


@both_ways
@pytest.mark.parametrize("sort_by,position,index", CURSORS)
def test_page_by_cursor_begins_in_its_index(rows, sort_by, position, index, asked: Asked):
    search = Search(sort_by=sort_by, count=100, by_cursor=True, position=position)
    expected = {("Index Only Scan", index), DOCUMENTS} | TOTALS
    assert scans(rows, over_users(search, asked)) == expected | asked.of_users


@both_ways
def test_page_by_cursor_of_equal_addresses_reads_the_index_over_entries(rows, asked: Asked):
    search = Search(filter='emails eq "user777@001.example"', count=100, by_cursor=True)
    assert ("Bitmap Index Scan", "users_emails_idx") in scans(rows, over_users(search, asked))


@both_ways
@pytest.mark.parametrize("organization", [LARGE, MIDDLING])
def test_groups_of_a_member_are_found_by_the_member(rows, organization, asked: Asked):
    search = Search(filter=f'members[value eq "{ID}"]', count=100)
    assert MEMBERSHIPS in scans(rows, over_groups(search, asked, organization))


@both_ways
@pytest.mark.parametrize("kinds", [("User",), ("User", "Group")])
def test_search_of_a_small_organisation_reads_no_other(rows, kinds: tuple[str, ...], asked: Asked):
    search = Search(filter='displayName co "display 5"', sort_by="externalId", count=100)
    chosen = [asked.rows[kind] for kind in kinds]
    found = scans(rows, statement(search, *chosen, organization=MIDDLING))
    assert {name for kind, name in found if kind == "Seq Scan"} <= {"groups"}


COUNTS = [
    ('name.familyName sw "family 77"', "users_family_name_idx"),
    ('meta.lastModified gt "2026-01-01T12:00:00Z"', "users_last_modified_idx"),
]


@pytest.mark.parametrize("text,index", COUNTS)
def test_total_is_counted_in_the_index_of_the_filter(rows, text, index):
    built = over_users(Search(filter=text, count=0), PLAIN)
    found = _planned(rows, built.count, built.count_arguments, for_all_values=False)
    assert found == {("Index Only Scan", index)}
