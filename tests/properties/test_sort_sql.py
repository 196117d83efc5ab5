"""Compiled sort orders, totals and cursors against their oracle: `SearchRequest.sort` of scim2-models."""

from collections.abc import Generator, Sequence
from typing import Any, Union

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import Path, SCIMException, SearchRequest

from scimserver.kernel.facts import Json
from scimserver.kernel.ids import OrganizationId
from scimserver.scim.columns import GROUPS, ROLES, USERS, ResourceTable
from scimserver.scim.provider import TOLERANT
from scimserver.scim.reads import WHOLE_ROWS
from scimserver.scim.search_sql import Page, Search, SearchStatement, statement
from tests.conftest import Administration
from tests.searched import ORGANIZATION, Rows, World, rows_of, worlds

ROWS = {USERS: WHOLE_ROWS["User"], GROUPS: WHOLE_ROWS["Group"], ROLES: WHOLE_ROWS["Role"]}
FILTERS = [None, None, "displayName pr", "not (name pr)", 'meta.lastModified ge "2026-01-01T00:00:00Z"']

GENERATED = settings(
    max_examples=12,
    deadline=None,
    # No shrinking: it would take longer than a test may, and the message shows what differs.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@pytest.fixture(scope="module")
def rows(database_administration: Administration, database_template: str) -> Generator[Rows]:
    with (
        database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn,
        rows_of(dsn) as rows,
    ):
        yield rows


def _statement(search: Search, tables: Sequence[ResourceTable]) -> SearchStatement:
    organization = OrganizationId(ORGANIZATION)
    return statement(search, *[ROWS[table] for table in tables], organization=organization)


def _sortable(*tables: ResourceTable) -> list[str]:
    """Every attribute that the library sorts by and that is stored."""
    found = {str(path) for table in tables for path in Path[table.model].iter_paths()}
    found |= {"id", "schemas", "meta.created", "meta.lastModified", "meta.resourceType"}
    return sorted(path for path in found if _can_sort(path, tables))


def _can_sort(path: str, tables: Sequence[ResourceTable]) -> bool:
    try:
        _statement(Search(sort_by=path), tables)
    except SCIMException:
        return False
    return True


SORTABLE = {tables: _sortable(*tables) for tables in [(USERS,), (GROUPS,), (ROLES,), (USERS, GROUPS)]}


@st.composite
def searches(draw: st.DrawFn, *tables: ResourceTable) -> Search:
    sort_by = draw(st.one_of(st.none(), *[st.sampled_from(SORTABLE[tables])] * 9))
    filter_text = draw(st.sampled_from(FILTERS))
    if filter_text == "not (name pr)" and USERS not in tables:
        filter_text = "not (externalId pr)"
    return Search(
        filter=filter_text,
        sort_by=sort_by,
        descending=sort_by is not None and draw(st.booleans()),
        count=draw(st.integers(1, 6)),
    )


_REQUEST: Any = SearchRequest
"""Of any number of models, which no type can say."""


def _request(search: Search, tables: Sequence[ResourceTable]) -> SearchRequest[Any]:
    models = Union[tuple(table.model for table in tables)]  # noqa: UP007 - of any number of models
    order = "descending" if search.descending else None
    return _REQUEST[models](filter=search.filter, sort_by=search.sort_by, sort_order=order)


def _expected(search: Search, world: World, tables: Sequence[ResourceTable]) -> list[str]:
    """The ids that match, in the library's order; resources that it holds for equal by their id."""
    request = _request(search, tables)
    with TOLERANT:
        resources: list[Any] = [one for table in tables for one in world.of(table)]
        found = [one for one in resources if request.filter is None or request.filter.match(one)]
        by_id = sorted(found, key=lambda one: one.id, reverse=search.descending)
        # Python's sort keeps the order of equals, also when it is reversed.
        return [one.id for one in request.sort(by_id)]


async def _page(rows: Rows, search: Search, tables: Sequence[ResourceTable]) -> Page:
    built = _statement(search, tables)
    found = await rows.connection.fetch(built.query.sql, *built.arguments) if built.query else []
    return built.page(found)


async def _total(rows: Rows, search: Search, tables: Sequence[ResourceTable]) -> int:
    built = _statement(search, tables)
    return await rows.connection.fetchval(built.count.sql, *built.count_arguments)


def _ids(page: Page) -> list[str]:
    return [str(row["id"]) for row in page.rows]


def _assert_sorted(rows: Rows, world: World, asked: list[Search], tables: tuple[ResourceTable, ...]) -> None:
    with rows.holding(world):
        for search in asked:
            expected = _expected(search, world, tables)
            pages: list[str] = []
            for start in range(0, len(expected) + 1, search.count or 1):
                page = rows.run(_page(rows, _at(search, start=start), tables))
                pages += _ids(page)
                assert page.total in ({len(expected)} if page.rows or not start else {None}), search
            assert pages == expected, search
            assert rows.run(_total(rows, search, tables)) == len(expected), search


def _assert_walked(rows: Rows, world: World, asked: list[Search], tables: tuple[ResourceTable, ...]) -> None:
    with rows.holding(world):
        for search in asked:
            expected = _expected(search, world, tables)
            first = rows.run(_page(rows, _at(search, by_cursor=True), tables))
            forward = _walk(rows, search, tables, "next", first)
            assert [name for page in forward for name in _ids(page)] == expected, search
            assert all(len(page.rows) == search.count for page in forward[:-1]), search
            assert forward[0].total == len(expected), search
            back = _walk(rows, search, tables, "previous", forward[-1])
            assert [_ids(page) for page in reversed(back)] == [_ids(page) for page in forward], search


def _walk(
    rows: Rows, search: Search, tables: Sequence[ResourceTable], direction: str, first: Page
) -> list[Page]:
    """A page and those that follow it in that direction."""
    pages = [first]
    while (position := getattr(pages[-1], direction)) is not None:
        pages.append(rows.run(_page(rows, _at(search, position=position), tables)))
    return pages


def _at(search: Search, *, start: int = 0, by_cursor: bool = False, position: Json = None) -> Search:
    return Search(
        filter=search.filter,
        sort_by=search.sort_by,
        descending=search.descending,
        start=start,
        count=search.count,
        by_cursor=by_cursor or position is not None,
        position=position,
    )


def _asked(*tables: ResourceTable) -> st.SearchStrategy[list[Search]]:
    return st.lists(searches(*tables), min_size=8, max_size=12)


@GENERATED
@given(world=worlds(), asked=_asked(USERS))
def test_pages_by_index_follow_the_order_of_the_library_over_users(rows, world, asked):
    _assert_sorted(rows, world, asked, (USERS,))


@GENERATED
@given(world=worlds(), asked=_asked(ROLES))
def test_pages_by_index_follow_the_order_of_the_library_over_roles(rows, world, asked):
    _assert_sorted(rows, world, asked, (ROLES,))


@GENERATED
@given(world=worlds(), asked=_asked(USERS, GROUPS))
def test_pages_by_index_follow_the_order_of_the_library_over_both_types(rows, world, asked):
    _assert_sorted(rows, world, asked, (USERS, GROUPS))


@GENERATED
@given(world=worlds(), asked=_asked(USERS))
def test_pages_by_cursor_hold_every_user_once_in_order_there_and_back(rows, world, asked):
    _assert_walked(rows, world, asked, (USERS,))


@GENERATED
@given(world=worlds(), asked=_asked(USERS, GROUPS))
def test_pages_by_cursor_hold_resources_of_both_types_once_in_order_there_and_back(rows, world, asked):
    _assert_walked(rows, world, asked, (USERS, GROUPS))


@pytest.mark.parametrize("tables", SORTABLE)
def test_every_stored_attribute_that_the_library_sorts_by_can_be_sorted_by(tables):
    paths = {str(path) for table in tables for path in Path[table.model].iter_paths()}
    assert {path for path in paths if _library_sorts(path, tables) and not _is_derived(path, tables)} == {
        path for path in SORTABLE[tables] if path in paths
    }


def _library_sorts(path: str, tables: Sequence[ResourceTable]) -> bool:
    try:
        _request(Search(sort_by=path), tables)
    except ValidationError:
        return False
    return True


def _is_derived(path: str, tables: Sequence[ResourceTable]) -> bool:
    head = path.partition(".")[0]
    return any(path in table.answered_only or head in table.memberships for table in tables)
