"""Searches as statements, and rows as pages."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from scim2_models import InvalidCursorException, InvalidFilterException, InvalidPathException, SearchRequest

from scimserver.kernel.ids import OrganizationId
from scimserver.scim.page_sql import RowColumns
from scimserver.scim.reads import PLAIN_ROWS
from scimserver.scim.search_sql import Page, Search, SearchStatement, statement

ORGANIZATION = OrganizationId(UUID("0190b8a0-0000-7000-8000-00000000000a"))
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


REQUEST: Any = SearchRequest
"""Takes the strings of a query, which its fields' types do not say."""


def over_users(search: Search) -> SearchStatement:
    return statement(search, PLAIN_ROWS["User"], organization=ORGANIZATION)


def row(number: int, key: object = None, total: int | None = None) -> dict[str, object]:
    return {"kind": "User", "sort_id": UUID(int=number), "sort_key": key, "total": total}


def test_searches_of_one_shape_share_their_queries():
    one = over_users(Search(filter='userName eq "a"', count=10))
    other = over_users(Search(filter='userName eq "b"', count=20, start=5))
    assert one.query is other.query
    assert one.count is other.count
    assert one.arguments != other.arguments


def test_statement_is_about_one_organisation_in_every_part():
    built = statement(
        Search(filter="displayName pr", sort_by="displayName", count=3),
        *PLAIN_ROWS.values(),
        organization=ORGANIZATION,
    )
    assert built.query is not None
    assert built.query.sql.count(".org_id = $1::uuid") == 3 * len(PLAIN_ROWS)
    assert built.arguments[0] == ORGANIZATION


@pytest.mark.parametrize(
    "search,hot",
    [
        (Search(filter='userName eq "a"', count=1), True),
        (Search(filter='emails[type eq "work"].value eq "a"', sort_by="displayName"), True),
        (Search(filter='externalId eq "a" and title pr and active eq true and locale pr'), True),
        (Search(filter='externalId eq "a" and title pr and active eq true and (locale pr or id pr)'), False),
        (Search(filter='userName eq "a"', count=1, by_cursor=True), False),
        (Search(filter="userName pr", count=1), False),
        (Search(count=1), False),
    ],
)
def test_search_is_hot_if_an_index_finds_its_few_rows_and_little_is_asked_of_them(search, hot):
    assert over_users(search).hot is hot


def test_search_over_several_types_is_not_hot():
    built = statement(Search(filter='externalId eq "a"'), *PLAIN_ROWS.values(), organization=ORGANIZATION)
    assert built.hot is False


def test_search_for_the_total_alone_has_no_page():
    built = over_users(Search(filter='title eq "a"', count=0))
    assert built.query is None
    assert built.page([]) == Page(rows=[], total=None)


def test_rows_hold_what_the_caller_selects():
    chosen = RowColumns(
        table=PLAIN_ROWS["User"].table,
        select="u.document, b.id AS boss",
        joins="LEFT JOIN users AS b ON false",
    )
    built = statement(Search(count=1), chosen, organization=ORGANIZATION)
    assert built.query is not None
    assert "u.document, b.id AS boss" in built.query.sql
    assert "LEFT JOIN users AS b ON false" in built.query.sql


@pytest.mark.parametrize(
    "search,rows,total",
    [
        (Search(count=3), [row(1, total=7)], 7),
        (Search(count=3), [row(1)], 1),
        (Search(count=1), [row(1)], None),
        (Search(count=3), [], 0),
        (Search(count=3, start=5), [row(1)], 6),
        (Search(count=3, start=5), [], None),
        (Search(start=2), [row(1)], 3),
    ],
)
def test_total_of_a_page_by_index_is_known_if_the_page_shows_the_end(search, rows, total):
    assert over_users(search).page(rows).total == total


def test_page_beyond_all_numbers_of_the_database_is_asked_for_within_them():
    built = over_users(Search(start=10**30, count=10))
    assert 2**48 in built.arguments
    assert built.page([]).total is None


def by_cursor(direction: str | None = None, count: int | None = 2) -> Search:
    position = {"d": direction, "k": "b", "i": str(UUID(int=9))} if direction else None
    return Search(sort_by="userName", count=count, by_cursor=True, position=position)


def position(direction: str, number: int, key: str) -> dict[str, str]:
    return {"d": direction, "k": key, "i": str(UUID(int=number))}


A, B, C = row(1, "a"), row(2, "b"), row(3, "c")


@pytest.mark.parametrize(
    "search,rows,page",
    [
        (by_cursor(), [], Page(rows=[], total=0)),
        (by_cursor(), [A, B], Page(rows=[A, B], total=None)),
        (by_cursor(), [A, B, C], Page(rows=[A, B], total=None, next=position("next", 2, "b"))),
        (by_cursor(count=None), [A, B, C], Page(rows=[A, B, C], total=None)),
        (by_cursor("next"), [], Page(rows=[], total=None)),
        (by_cursor("next"), [C], Page(rows=[C], total=None, previous=position("previous", 3, "c"))),
        (
            by_cursor("next"),
            [A, B, C],
            Page(
                rows=[A, B], total=None, next=position("next", 2, "b"), previous=position("previous", 1, "a")
            ),
        ),
        (by_cursor("previous"), [A, B], Page(rows=[A, B], total=None, next=position("next", 2, "b"))),
        (
            by_cursor("previous"),
            [A, B, C],
            Page(
                rows=[B, C], total=None, next=position("next", 3, "c"), previous=position("previous", 2, "b")
            ),
        ),
    ],
)
def test_page_by_cursor_points_at_its_neighbours(search, rows, page):
    assert over_users(search).page(rows) == page


def test_position_of_an_instant_says_it_as_text_and_is_read_back():
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    search = Search(sort_by="meta.created", count=1, by_cursor=True)
    found = over_users(search).page([row(1, moment), row(2, moment)])
    assert found.next == position("next", 1, "2026-01-02T03:04:05.678000+00:00")
    onward = Search(sort_by="meta.created", count=1, by_cursor=True, position=found.next)
    assert moment in over_users(onward).arguments


@pytest.mark.parametrize(
    "forged",
    [
        "next",
        [],
        {},
        {"d": "sideways", "k": None, "i": str(UUID(int=1))},
        {"d": "next", "k": None, "i": "no uuid"},
        {"d": "next", "k": None, "i": 5},
        {"d": "next", "k": None},
        {"d": "next", "k": 5, "i": str(UUID(int=1))},
        {"d": "next", "k": ["a"], "i": str(UUID(int=1))},
        {"d": "previous", "k": True, "i": str(UUID(int=1))},
    ],
)
def test_position_that_no_page_gave_is_refused(forged):
    with pytest.raises(InvalidCursorException):
        over_users(Search(sort_by="userName", count=1, by_cursor=True, position=forged))


@pytest.mark.parametrize("key", ["soon", "2026-01-01T00:00:00", 5, True])
def test_position_whose_key_is_no_instant_is_refused_where_one_is_due(key):
    forged = {"d": "next", "k": key, "i": str(UUID(int=1))}
    with pytest.raises(InvalidCursorException):
        over_users(Search(sort_by="meta.created", count=1, by_cursor=True, position=forged))


@pytest.mark.parametrize("direction", ["next", "previous"])
def test_position_of_another_order_finds_nothing_that_the_order_has_not(direction):
    nameless = {"d": direction, "k": None, "i": str(UUID(int=1))}
    built = over_users(Search(sort_by="userName", count=1, by_cursor=True, position=nameless))
    assert built.query is not None
    assert ("AND FALSE" in built.query.sql) is (direction == "next")


UNSORTABLE = ["nonsense", "name", "addresses", "password", "x509Certificates", 'emails[type eq "work"]']
UNSORTABLE += ["groups", "groups.display", "meta.version", "meta.location", f"{ENTERPRISE}:manager.$ref"]


@pytest.mark.parametrize("sort_by", UNSORTABLE)
def test_attribute_that_cannot_order_anything_is_refused(sort_by):
    with pytest.raises(InvalidPathException):
        over_users(Search(sort_by=sort_by))


def test_filter_of_a_search_is_refused_as_a_filter():
    with pytest.raises(InvalidFilterException):
        over_users(Search(filter='nonsense eq "a"'))


def test_search_is_read_from_a_request():
    asked = REQUEST(
        filter='title eq "a"', sort_by="userName", sort_order="descending", start_index=3, count=2
    )
    assert Search.of(asked) == Search(
        filter='title eq "a"', sort_by="userName", descending=True, start=2, count=2
    )


def test_order_without_an_attribute_to_sort_by_is_ascending():
    assert Search.of(REQUEST(sort_order="descending")) == Search()


def test_empty_cursor_asks_for_the_first_page():
    assert Search.of(REQUEST(cursor="", count=2)) == Search(count=2, by_cursor=True)
