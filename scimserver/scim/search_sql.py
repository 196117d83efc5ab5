"""Searches as statements, and rows as pages (RFC 7644, section 3.4.2; RFC 9865).

Statements are kept by shape: the same search for other values builds no SQL, and finds the
statement that the connection has prepared.
Proven by tests/properties/test_sort_sql.py and tests/database/test_search_plans.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple, Protocol, Self, cast
from uuid import UUID

from scim2_models import InvalidCursorException, SearchRequest

from scimserver.db.queries import Query
from scimserver.db.where import Sql, sql
from scimserver.kernel.facts import Json
from scimserver.kernel.ids import OrganizationId
from scimserver.scim.filter_sql import condition
from scimserver.scim.filter_text import FilterText, take_apart, terms
from scimserver.scim.literals import Reader
from scimserver.scim.page_sql import Given, Mode, RowColumns, Source, hot_page_text, page_text, total_of
from scimserver.scim.sort_sql import SortKey, sort_keys

_FURTHEST = 2**48
"""Further than any page begins; a larger `startIndex` would overflow in the database."""


MOST_HOT_TERMS = 4
"""Terms of a search that runs without a time-out: what an index finds may be many, where many share a
name, and each term is asked of each of them. Its plan is kept, too, and one of many terms is large."""


class Row(Protocol):
    """A row of a page, as the driver gives it."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of a column."""
        ...


# These two are made for each request; frozen, they would take four times as long.
@dataclass(slots=True, kw_only=True)
class Search:
    """What a client asks for. Nobody changes it."""

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start: int = 0
    """Resources to pass over; only for a page by index."""
    count: int | None = None
    """The most resources that the page holds; None for no limit."""
    by_cursor: bool = False
    position: Json = None
    """Where the page by cursor begins, as an earlier page said; None for the first one."""

    @classmethod
    def of(cls, request: SearchRequest[Any], position: Json = None) -> Self:
        """The search that a request of the library describes."""
        return cls(
            filter=None if request.filter is None else str(request.filter),
            sort_by=None if request.sort_by is None else str(request.sort_by),
            descending=request.sort_order == SearchRequest.SortOrder.descending
            and request.sort_by is not None,
            start=request.start_index_0 or 0,
            count=request.count,
            by_cursor=request.cursor is not None,
            position=position,
        )


class Page(NamedTuple):
    """What a search found."""

    rows: Sequence[Row]
    total: int | None
    """All that match; None if `SearchStatement.count` has to be asked, or on a later page by cursor."""
    next: Json = None
    """The position of the next page by cursor, or None on the last one."""
    previous: Json = None
    """The position of the page before, or None on the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A shape of search as statements; what they bind is `Given`, or readers of the filter's strings."""

    page: Query
    page_binds: tuple[object, ...]
    count: Query
    count_binds: tuple[object, ...]
    hot: bool
    key_kind: LiteralString
    """The SQL type of what is sorted by."""


@dataclass(slots=True, kw_only=True)
class SearchStatement:
    """A search, ready to run. Nobody changes it."""

    query: Query | None
    """The page; None if the client wants only the total."""
    arguments: tuple[object, ...]
    search: Search
    plan: Plan
    given: tuple[object, ...]
    strings: Sequence[str]

    @property
    def organization(self) -> OrganizationId:
        """Whose resources are searched."""
        return cast(OrganizationId, self.given[Given.ORGANIZATION])

    @property
    def hot(self) -> bool:
        """Whether an index finds the few rows that can match: such a page belongs to the points pool."""
        return self.plan.hot

    @property
    def count(self) -> Query:
        """One row with `total`; for the searches pool."""
        return self.plan.count

    @property
    def count_arguments(self) -> tuple[object, ...]:
        """The arguments of `count`."""
        return _arguments(self.plan.count_binds, self.given, self.strings)

    def page(self, rows: Sequence[Row]) -> Page:
        """The page that the rows of `query` make."""
        if self.search.by_cursor:
            return _cursor_page(self.search, rows)
        return Page(rows=rows, total=_total(self.search, rows))


def statement(search: Search, *rows: RowColumns, organization: OrganizationId) -> SearchStatement:
    """The search over one or several resource types of an organisation.

    Raises InvalidFilterException, InvalidPathException for its `sort_by`, InvalidCursorException for
    its position, and SensitiveAttribute if it names a password.
    """
    text = take_apart(search.filter) if search.filter is not None else None
    mode, anchor_key, anchor_id = _anchor(search)
    shape = plan(rows, text, search.sort_by, search.descending, mode)
    limit = search.count
    # In the order of Given. By cursor, one more than is shown tells whether there is another page.
    given = (
        organization,
        0 if search.by_cursor else min(search.start, _FURTHEST),
        limit + 1 if search.by_cursor and limit is not None else limit,
        _decoded(anchor_key, shape.key_kind),
        anchor_id,
    )
    strings = text.literals if text else ()
    return SearchStatement(
        query=None if limit == 0 else shape.page,
        arguments=_arguments(shape.page_binds, given, strings),
        search=search,
        plan=shape,
        given=given,
        strings=strings,
    )


@lru_cache(maxsize=512)
def plan(
    rows: tuple[RowColumns, ...], text: FilterText | None, sort_by: str | None, descending: bool, mode: Mode
) -> Plan:
    """The statements of all searches of that shape. Raises as `condition` and `sort_keys` do."""
    tables = tuple(row.table for row in rows)
    conditions = [condition(text, tables, table) if text else None for table in tables]
    keys = sort_keys(sort_by, tables)
    kind = _kind(keys)
    sources = [
        Source(rows=row, condition=found, key=key, kind=kind)
        for row, found, key in zip(rows, conditions, keys, strict=True)
    ]
    only = conditions[0] if len(rows) == 1 and mode is Mode.INDEX else None
    hot = only is not None and only.is_lookup and text is not None and terms(text.text) <= MOST_HOT_TERMS
    composed = (
        hot_page_text(sources[0], descending=descending)
        if hot
        else page_text(sources, mode, descending=descending)
    )
    page, page_binds = _query("search", rows, composed)
    count, count_binds = _query("count", rows, sql("SELECT ", total_of(sources), " AS total"))
    return Plan(
        page=page, page_binds=page_binds, count=count, count_binds=count_binds, hot=hot, key_kind=kind
    )


def _kind(keys: Sequence[SortKey | None]) -> LiteralString:
    """The SQL type of the keys; they are of one attribute, so they have one."""
    for key in keys:
        if key is not None:
            return key.kind
    return "text"


def _query(verb: LiteralString, rows: tuple[RowColumns, ...], text: Sql) -> tuple[Query, tuple[object, ...]]:
    rendered, binds = text.rendered()
    name = "_".join([verb, *(row.table.table for row in rows)])
    return Query(name, "Composed for a shape of search.", rendered), binds


def _arguments(
    binds: tuple[object, ...], given: tuple[object, ...], strings: Sequence[str]
) -> tuple[object, ...]:
    return tuple(
        [given[bound] if isinstance(bound, int) else cast(Reader, bound)(strings) for bound in binds]
    )


def _total(search: Search, rows: Sequence[Row]) -> int | None:
    if rows and rows[0]["total"] is not None:
        return cast(int, rows[0]["total"])
    is_end = search.count is None or len(rows) < search.count
    return search.start + len(rows) if is_end and (rows or search.start == 0) else None


def _cursor_page(search: Search, rows: Sequence[Row]) -> Page:
    more = search.count is not None and len(rows) > search.count
    total = cast("int | None", rows[0]["total"]) if rows else (0 if search.position is None else None)
    if _is_backwards(search):
        shown = rows[1:] if more else rows
        before, after = more, bool(shown)
    else:
        shown = rows[:-1] if more else rows
        before, after = bool(shown) and search.position is not None, more
    return Page(
        rows=shown,
        total=total,
        next=_position("next", shown[-1]) if after else None,
        previous=_position("previous", shown[0]) if before else None,
    )


def _is_backwards(search: Search) -> bool:
    return isinstance(search.position, Mapping) and search.position.get("d") == "previous"


def _position(direction: str, row: Row) -> Json:
    key = row["sort_key"]
    encoded = key.isoformat() if isinstance(key, datetime) else key
    return {"d": direction, "k": encoded, "i": str(row["sort_id"])}


def _anchor(search: Search) -> tuple[Mode, Json, UUID | None]:
    """The mode of the search, and the resource at which its page begins."""
    if not search.by_cursor:
        return Mode.INDEX, None, None
    match search.position:
        case None:
            return Mode.FIRST, None, None
        case {"d": "next", "k": None, "i": str(row_id)}:
            return Mode.AFTER_MISSING, None, _uuid(row_id)
        case {"d": "next", "k": key, "i": str(row_id)}:
            return Mode.AFTER_VALUE, key, _uuid(row_id)
        case {"d": "previous", "k": None, "i": str(row_id)}:
            return Mode.BEFORE_MISSING, None, _uuid(row_id)
        case {"d": "previous", "k": key, "i": str(row_id)}:
            return Mode.BEFORE_VALUE, key, _uuid(row_id)
        case _:
            raise InvalidCursorException


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidCursorException from None


def _decoded(key: Json, kind: LiteralString) -> object:
    match key, kind:
        case (None, _) | (bool(), "boolean") | (str(), "text"):
            return key
        case str(), "timestamptz":
            return _instant(key)
        case _:
            raise InvalidCursorException


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidCursorException from None
    if instant.tzinfo is None:
        raise InvalidCursorException
    return instant
