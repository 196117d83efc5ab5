"""Compiled filters as text: which form serves which attribute, and what is refused."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from scim2_models import InvalidFilterException

from scimserver.scim.columns import GROUPS, USERS, ResourceTable
from scimserver.scim.filter_sql import Lookup, condition
from scimserver.scim.filter_text import take_apart
from scimserver.scim.searchable import SensitiveAttribute
from tests.searched import compiled

ID = "0190b8a0-0000-7000-8000-00000000000a"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MEMBER_OF = "EXISTS (SELECT FROM group_members AS m WHERE m.org_id = u.org_id AND m.user_id = u.id"
EMAILS = "((u.shadow -> 'emails') @> $1::jsonb)"

ENTRIES = "EXISTS (SELECT FROM jsonb_array_elements((u.shadow -> 'emails')) AS e (entry)"
OURS = (
    "CASE WHEN coalesce(u.saml_connection_id::text, u.saml_mark::text) IS NULL THEN '[]'::jsonb ELSE"
    """ '["urn:ietf:params:scim:schemas:extension:scimserver:2.0:user"]'::jsonb END"""
)
SCHEMAS = f"EXISTS (SELECT FROM jsonb_array_elements_text(((u.shadow -> 'schemas') || {OURS})) AS e (entry)"
FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

COMPILED = [
    ('userName eq "ANNA@Example.com"', "(u.user_name_key = $1::text)", ("anna@example.com",)),
    ('externalId eq "A"', "(u.external_id = $1::text)", ("A",)),
    (f'id eq "{ID}"', "(u.id = $1::uuid)", (UUID(ID),)),
    ('id eq "no uuid"', "(u.id = $1::uuid)", (None,)),
    (f'id eq "{ID.upper()}"', "(u.id = $1::uuid)", (None,)),
    ('id sw "0190"', "(u.id::text LIKE $1::text)", ("0190%",)),
    ('displayName sw "50%_\\\\"', "(u.display_name_key LIKE $1::text)", ("50\\%\\_\\\\%",)),
    ('name.familyName gt "M"', '(u.family_name_key > $1::text COLLATE "C")', ("m",)),
    ("active eq true", "(u.active = $1::boolean)", (True,)),
    ('active eq "true"', "(u.active = $1::boolean)", (True,)),
    ("title pr", "((u.shadow ->> 'title') <> '')", ()),
    ('title eq "É"', "((u.shadow ->> 'title') = $1::text)", ("é",)),
    ("title eq null", "((u.shadow ->> 'title') IS NULL)", ()),
    (
        'emails[type eq "work"].value eq "A@x"',
        f"({EMAILS} AND ({EMAILS.replace('$1', '$2')} IS TRUE))",
        ('[{"value":"a@x"}]', '[{"type":"work","value":"a@x"}]'),
    ),
    ('emails eq "A@x"', EMAILS, ('[{"value":"a@x"}]',)),
    ('emails.value eq "A@x"', EMAILS, ('[{"value":"a@x"}]',)),
    ("emails[primary eq true]", EMAILS, ('[{"primary":true}]',)),
    (
        "emails eq null",
        f"(((u.shadow -> 'emails') IS NULL) OR {ENTRIES} WHERE ((e.entry ->> 'value') IS NULL)))",
        (),
    ),
    (
        "groups eq null",
        f"((({MEMBER_OF} AND TRUE)) IS NOT TRUE) OR {MEMBER_OF} AND (m.group_id IS NULL)))",
        (),
    ),
    ("addresses eq null", "((u.shadow -> 'addresses') IS NULL)", ()),
    ('addresses eq "a"', "FALSE", ()),
    ("name ne null", "((((u.shadow -> 'name') IS NULL)) IS NOT TRUE)", ()),
    ("meta eq null", "FALSE", ()),
    ('meta.created co "20"', "FALSE", ()),
    ('schemas[value eq "A"]', f"{SCHEMAS} WHERE (e.entry = $1::text))", ("a",)),
    ("schemas[value eq 5]", f"{SCHEMAS} WHERE FALSE)", ()),
    ('schemas[other eq "A"]', f"{SCHEMAS} WHERE FALSE)", ()),
    ('schemas[value.other eq "A"]', f"{SCHEMAS} WHERE FALSE)", ()),
    ("schemas[other pr]", f"{SCHEMAS} WHERE FALSE)", ()),
    (
        'x509Certificates.value eq "QUJD"',
        "((u.shadow -> 'x509Certificates') @> $1::jsonb)",
        ('[{"value":"QUJD"}]',),
    ),
    ('emails ne "A@x"', f"(({EMAILS}) IS NOT TRUE)", ('[{"value":"a@x"}]',)),
    ('not (userName eq "a")', "(((u.user_name_key = $1::text)) IS NOT TRUE)", ("a",)),
    (
        f'{ENTERPRISE}:department eq "IT"',
        f"((u.shadow -> '{ENTERPRISE}' ->> 'department') = $1::text)",
        ("it",),
    ),
    (
        f'groups[value eq "{ID}"]',
        f"{MEMBER_OF} AND (m.group_id = $1::uuid))",
        (UUID(ID),),
    ),
    (
        'meta.created ge "2026-01-01T01:00:00+01:00"',
        "(u.created >= $1::timestamptz)",
        (datetime(2026, 1, 1, tzinfo=UTC),),
    ),
    ('meta.created eq "2026-01-01T00:00:00"', "(u.created = $1::timestamptz)", (None,)),
    ('meta.created lt "0001-01-01T00:00:00+14:00"', "(u.created < $1::timestamptz)", (FIRST_MOMENT,)),
    ('meta.created gt "9999-12-31T23:59:59-14:00"', "(u.created > $1::timestamptz)", (LAST_MOMENT,)),
]


@pytest.mark.parametrize("text,where,values", COMPILED)
def test_filter_on_users_compiles(text, where, values):
    assert compiled(text, USERS) == (where, values)


def test_filter_on_members_reads_only_the_rows_of_the_membership():
    where, values = compiled(f'members[value eq "{ID}"]', GROUPS)
    assert "JOIN" not in where
    assert values == (UUID(ID),)


def test_filter_on_the_names_of_members_reads_them():
    where, _ = compiled('members[display sw "a" and value pr]', GROUPS)
    assert "JOIN users AS x ON x.org_id = m.org_id AND x.id = m.user_id" in where


def test_alternatives_within_brackets_are_containments_each():
    where, values = compiled('emails[value eq "a" or value eq "b"]', USERS)
    assert where == f"({EMAILS} OR {EMAILS.replace('$1', '$2')})"
    assert values == ('[{"value":"a"}]', '[{"value":"b"}]')


@pytest.mark.parametrize("inner", ['type eq "work" and type eq "home"', 'type eq "work" and value co "x"'])
def test_what_is_no_conjunction_of_equalities_looks_at_each_entry(inner):
    where, _ = compiled(f"emails[{inner}]", USERS)
    assert where.startswith(ENTRIES)


def test_filters_of_one_shape_share_one_text():
    one, _ = compiled('emails[type eq "work"].value eq "a@x"', USERS)
    other, values = compiled('emails[type eq "home"].value eq "O\'Neil@x"', USERS)
    assert other == one
    assert values == ('[{"value":"o\'neil@x"}]', '[{"type":"home","value":"o\'neil@x"}]')


@pytest.mark.parametrize("first,second", [('"2026-01-01T00:00:00Z"', '"soon"'), ('"true"', '"maybe"')])
def test_string_that_is_no_value_is_refused_also_by_a_known_shape(first, second):
    attribute = "active" if "true" in first else "meta.created"
    compiled(f"{attribute} eq {first}", USERS)
    with pytest.raises(InvalidFilterException, match="not valid for attribute"):
        compiled(f"{attribute} eq {second}", USERS)


REFUSED = [
    "",
    "userName",
    'userName eq "a',
    'userName xx "a"',
    'nonsense eq "a"',
    'emails[nonsense eq "a"]',
    'userName[value eq "a"]',
    "userName eq 5",
    "active gt true",
    'profileUrl eq "no url"',
    'meta.location sw "https:"',
    'meta.version eq "W/1"',
    'groups.$ref co "Groups"',
    'groups[$ref co "Groups"]',
    f"{ENTERPRISE}:manager.$ref pr",
    f'{ENTERPRISE}:schemas eq "{ENTERPRISE}"',
    "not (" * 40 + "title pr" + ")" * 40,
]


@pytest.mark.parametrize("text", REFUSED)
def test_filter_is_refused(text):
    with pytest.raises(InvalidFilterException):
        compiled(text, USERS)


@pytest.mark.parametrize(
    "text", ['password eq "a"', 'password ne "a"', "password pr", 'title pr or PASSWORD eq ""']
)
def test_filter_on_a_password_is_refused_as_sensitive(text):
    with pytest.raises(SensitiveAttribute) as refusal:
        compiled(text, USERS)
    assert (refusal.value.status, refusal.value.scim_type) == (403, "sensitive")


def test_attribute_that_only_another_type_has_matches_nothing():
    found = condition(take_apart('userName eq "a"'), (USERS, GROUPS), GROUPS)
    assert found.sql.rendered() == ("FALSE", ())


@pytest.mark.parametrize(
    "text,lookup",
    [
        ('userName eq "a"', Lookup.COLUMN),
        ('externalId eq "a"', Lookup.COLUMN),
        ('displayName eq "a"', Lookup.COLUMN),
        (f'id eq "{ID}"', Lookup.COLUMN),
        ('title co "x" and userName eq "a"', Lookup.COLUMN),
        ('emails eq "a" and userName eq "a"', Lookup.COLUMN),
        ('emails[type eq "work"].value eq "a"', Lookup.ENTRIES),
        ('emails[type eq "work" and value eq "a"] and active eq true', Lookup.ENTRIES),
        ('emails eq "a"', Lookup.ENTRIES),
        ('emails[type eq "work"]', Lookup.NONE),
        ('emails[value eq "a" or value eq "b"]', Lookup.NONE),
        ('emails[not (value eq "a")]', Lookup.NONE),
        ('userName sw "a"', Lookup.NONE),
        ('userName eq "a" or title pr', Lookup.NONE),
        ('not (userName eq "a")', Lookup.NONE),
        ("externalId eq null", Lookup.NONE),
        ('title eq "a"', Lookup.NONE),
    ],
)
def test_filter_is_a_lookup_if_an_index_finds_the_few_rows_that_can_match(text, lookup):
    assert condition(take_apart(text), (USERS,), USERS).lookup is lookup


@pytest.mark.parametrize("joint", [" and ", " or "])
@pytest.mark.parametrize(
    "term,table",
    [(f'members.value eq "{ID}"', GROUPS), ('groups.display sw "a"', USERS), ("groups pr", USERS)],
)
def test_many_memberships_are_planned_one_by_one(joint: str, term: str, table: ResourceTable):
    few, many = (compiled(joint.join([term] * times), table)[0] for times in (3, 4))
    assert few.count("OFFSET 0") == 0
    assert many.count("OFFSET 0") == many.count("EXISTS") == 4
