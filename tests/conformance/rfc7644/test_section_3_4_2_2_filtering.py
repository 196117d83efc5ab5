"""RFC 7644, section 3.4.2.2: every filter it shows finds what it describes; others are refused."""

from typing import Any

import pytest

from tests.conformance.asked_once import AskedOnce
from tests.conformance.rfc_examples import free_client
from tests.conftest import Administration
from tests.serving import ENTERPRISE, USER, Answer, Installation

USERS: dict[str, dict[str, Any]] = {
    "bjensen": {
        "title": "Tour Guide",
        "userType": "Employee",
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": True},
            {"value": "babs@jensen.org", "type": "home"},
        ],
        "ims": [{"value": "someaimhandle", "type": "aim"}],
    },
    "JOMalley": {
        "name": {"familyName": "O'Malley"},
        "userType": "Intern",
        "emails": [{"value": "om@example.org", "type": "work"}],
        "ims": [{"value": "om@foo.com", "type": "xmpp"}],
    },
    "jdoe": {
        "title": "Driver",
        "userType": "Contractor",
        "emails": [{"value": "jdoe@example.net", "type": "home"}],
    },
    "esmith": {
        "userType": "Employee",
        "emails": [{"value": "e@example.org", "type": "home"}],
        ENTERPRISE: {"employeeNumber": "701984"},
    },
}
EVERYBODY = set(USERS)

SHOWN: list[tuple[str, set[str]]] = [
    ('userName eq "bjensen"', {"bjensen"}),
    ('name.familyName co "O\'Malley"', {"JOMalley"}),
    ('userName sw "J"', {"JOMalley", "jdoe"}),
    (f'{USER}:userName sw "J"', {"JOMalley", "jdoe"}),
    ("title pr", {"bjensen", "jdoe"}),
    ('meta.lastModified gt "2011-05-13T04:42:34Z"', EVERYBODY),
    ('meta.lastModified ge "2011-05-13T04:42:34Z"', EVERYBODY),
    ('meta.lastModified lt "2011-05-13T04:42:34Z"', set()),
    ('meta.lastModified le "2011-05-13T04:42:34Z"', set()),
    ('title pr and userType eq "Employee"', {"bjensen"}),
    ('title pr or userType eq "Intern"', {"bjensen", "jdoe", "JOMalley"}),
    (f'schemas eq "{ENTERPRISE}"', {"esmith"}),
    (
        'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
        {"bjensen", "esmith"},
    ),
    (
        'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
        {"jdoe"},
    ),
    ('userType eq "Employee" and (emails.type eq "work")', {"bjensen"}),
    ('userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', {"bjensen"}),
    (
        'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
        {"bjensen", "JOMalley"},
    ),
    # Names of attributes and operators have no letter case, nor has a value that is not caseExact.
    ('Username Eq "BJensen"', {"bjensen"}),
    # `and` binds more tightly than `or`.
    ('userName eq "jdoe" or userName eq "bjensen" and title eq "Tour Guide"', {"jdoe", "bjensen"}),
    ('(userName eq "jdoe" or userName eq "bjensen") and title eq "Tour Guide"', {"bjensen"}),
]

REFUSED = [
    # Booleans and binary values have no order.
    "active gt true",
    "active le false",
    'x509Certificates.value gt "TUlJRA=="',
    # What the grammar does not know.
    "userName",
    "userName eq",
    'userName is "bjensen"',
    'userName eq "bjensen',
    'userName eq "bjensen" and',
    "(title pr",
    'emails[type eq "work"',
    "not title pr",
    "",
]

Answers = dict[str, Answer]


async def asked(installation: Installation) -> Answers:
    client = await free_client(installation)
    for name, attributes in USERS.items():
        await client.make_user(name, **attributes)
    return {text: await client.find(text) for text in [*(text for text, _ in SHOWN), *REFUSED]}


@pytest.fixture(scope="module")
def answers(database_administration: Administration, database_template: str) -> Answers:
    return AskedOnce(database_administration, database_template).answers(asked)


@pytest.mark.parametrize("text, found", SHOWN)
def test_filter_that_is_shown_finds_what_it_describes(answers: Answers, text: str, found: set[str]) -> None:
    body = answers[text].json
    names = [user["userName"] for user in body["Resources"]]
    assert (body["totalResults"], len(names), set(names)) == (len(found), len(found), found)


@pytest.mark.parametrize("text", REFUSED)
def test_filter_that_has_no_meaning_is_refused(answers: Answers, text: str) -> None:
    assert answers[text].error == (400, "invalidFilter")
