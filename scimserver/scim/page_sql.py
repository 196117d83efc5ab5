"""The text of search statements: ids found in an index, then joined with the documents.

A page by index (RFC 7644, section 3.4.2.4) is ids counted off in an index; a page by cursor
(RFC 9865) is the ids after or before a resource, which costs the same at any depth. Either way no
document is read but those of the page.
Proven by tests/properties/test_sort_sql.py and tests/database/test_search_plans.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Final, LiteralString

from scimserver.db.where import Sql, bind, joined, sql
from scimserver.scim.columns import ResourceTable
from scimserver.scim.filter_sql import Condition, Lookup
from scimserver.scim.sort_sql import SortKey


class Mode(Enum):
    """Where a page begins; each mode has SQL of its own."""

    INDEX = auto()
    """After as many rows as `startIndex` says."""
    FIRST = auto()
    """At the first row, to be continued by cursor."""
    AFTER_VALUE = auto()
    """After a resource that has a value to sort by."""
    AFTER_MISSING = auto()
    """After a resource that has none."""
    BEFORE_VALUE = auto()
    """Before a resource that has a value; read backwards."""
    BEFORE_MISSING = auto()
    """Before a resource that has none; read backwards."""


class Given(IntEnum):
    """What a statement is given beside the strings of the filter, by place."""

    ORGANIZATION = 0
    START = 1
    LIMIT = 2
    SORT_KEY = 3
    SORT_ID = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowColumns:
    """What a page holds of each resource of a type."""

    table: ResourceTable
    select: LiteralString
    """The select list; the same names and types for all types of one search."""
    joins: LiteralString = ""
    """Joins that keep every row and multiply none."""


_ORGANIZATION: Final = bind(Given.ORGANIZATION, "uuid")
_START: Final = bind(Given.START, "bigint")
_LIMIT: Final = bind(Given.LIMIT, "bigint")
_SORT_ID: Final = bind(Given.SORT_ID, "uuid")
_SLICE: Final = sql(" OFFSET ", _START, " LIMIT ", _LIMIT)
_REACH: Final = sql(" LIMIT ", _START, " + ", _LIMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A resource type's part in a search."""

    rows: RowColumns
    condition: Condition | None
    key: SortKey | None
    kind: LiteralString
    """The SQL type of the keys of all types of the search."""

    @property
    def key_sql(self) -> LiteralString:
        """What the rows are ordered by."""
        return self.key.sql if self.key else f"NULL::{self.kind}"

    @property
    def ids(self) -> Sql:
        """Selects the rows found, of their columns no more than the order needs."""
        table = self.rows.table
        kind: LiteralString = f"'{table.kind}' AS kind"
        columns: LiteralString = f"{kind}, {table.alias}.id AS sort_id, {self.key_sql} AS sort_key"
        return sql("SELECT ", columns, self.from_where)

    @property
    def from_where(self) -> Sql:
        """The rows found."""
        table = self.rows.table
        origin: LiteralString = f" FROM {table.table} AS {table.alias} WHERE {table.alias}.org_id = "
        where = sql(origin, _ORGANIZATION)
        return sql(where, " AND ", self.condition.sql) if self.condition else where

    def order(self, *, downwards: bool) -> LiteralString:
        """The order of the rows: NULL is last upwards, first downwards."""
        direction: LiteralString = " DESC" if downwards else ""
        by_id: LiteralString = f" ORDER BY {self.rows.table.alias}.id{direction}"
        if self.key is None:
            return by_id
        by_key: LiteralString = f" ORDER BY {self.key.sql}{direction}"
        return by_key if self.key.unique else f"{by_key}, {self.rows.table.alias}.id{direction}"

    def ranges(self, mode: Mode, *, downwards: bool) -> Iterator[Sql]:
        """What selects the rows beyond the cursor, as ranges of an index."""
        missing: LiteralString = f"({self.key.sql} IS NULL)" if self.key else "TRUE"
        can_miss = self.key is None or self.key.nullable
        if mode in (Mode.INDEX, Mode.FIRST):
            yield sql("TRUE")
        elif mode in (Mode.AFTER_VALUE, Mode.BEFORE_VALUE):
            if self.key:
                anchor = sql("(", bind(Given.SORT_KEY, self.kind), ", ", _SORT_ID, ")")
                yield self._beyond(sql("(", self.key.sql, ", ", self._id, ")"), anchor, downwards)
            if can_miss and not downwards:
                yield sql(missing)
        else:
            if can_miss:
                yield sql(missing, " AND ", self._beyond(sql(self._id), sql(_SORT_ID), downwards))
            if self.key and downwards:
                yield sql("(", self.key.sql, " IS NOT NULL)")

    @property
    def _id(self) -> LiteralString:
        return f"{self.rows.table.alias}.id"

    def _beyond(self, row: Sql, anchor: Sql, downwards: bool) -> Sql:
        return sql(row, " < " if downwards else " > ", anchor)


def page_text(sources: Sequence[Source], mode: Mode, *, descending: bool) -> Sql:
    """A page: `kind`, `sort_id`, `sort_key`, `total` (or NULL), and what the row columns select."""
    total = _total_beside_page(sources, mode)
    counted = sql(", counted AS (SELECT ", total, " AS total) ")
    page = sql("WITH page AS (", _page_ids(sources, mode, descending=descending), ")", counted)
    rows = joined(" UNION ALL ", [_joined_rows(source, several=len(sources) > 1) for source in sources])
    direction: LiteralString = " DESC" if descending else ""
    by_id: LiteralString = f"sort_id{direction}"
    by_key: LiteralString = f"sort_key{direction}, {by_id}"
    return sql(page, rows, " ORDER BY ", by_id if all(source.key is None for source in sources) else by_key)


def hot_page_text(source: Source, *, descending: bool) -> Sql:
    """A page of a search that finds few rows: no deferred join, no total, one plan for all values."""
    table = source.rows.table
    leading: LiteralString = f"SELECT '{table.kind}' AS kind, {table.alias}.id AS sort_id, NULL AS sort_key"
    selected: LiteralString = f"{leading}, NULL::bigint AS total, {source.rows.select}"
    origin: LiteralString = f" FROM {table.table} AS {table.alias} {source.rows.joins} WHERE "
    organization = sql(table.alias, ".org_id = ", _ORGANIZATION)
    assert source.condition is not None
    if source.condition.lookup is Lookup.ENTRIES:
        # A plan for all values takes every organisation for one of average size, would combine the
        # index over entries with one over the organisation, and read a large one whole. So it may
        # not see that the organisation is something to look up by.
        organization = sql("((", organization, ") IS TRUE)")
    where = sql(organization, " AND ", source.condition.sql)
    return sql(selected, origin, where, source.order(downwards=descending), _SLICE)


def total_of(sources: Sequence[Source]) -> Sql:
    """How many resources the search finds: counted, or without any filter added up from the totals."""
    if all(source.condition is None for source in sources):
        return _total_of_kinds([source.rows.table.kind for source in sources])
    return joined(" + ", [sql("(SELECT count(*)", source.from_where, ")") for source in sources])


def _total_of_kinds(kinds: Sequence[LiteralString]) -> Sql:
    chosen: LiteralString = ", ".join(f"'{kind}'" for kind in kinds)
    where = sql(" AS t WHERE t.org_id = ", _ORGANIZATION, " AND t.kind IN (", chosen, "))")
    folded = sql("(SELECT COALESCE(sum(t.total), 0) FROM totals", where)
    recent = sql("(SELECT COALESCE(sum(t.delta), 0) FROM total_deltas", where)
    return sql("(", folded, " + ", recent, ")::bigint")


def _total_beside_page(sources: Sequence[Source], mode: Mode) -> Sql:
    """The total where it costs little: known without counting if the page is the last one."""
    if all(source.condition is None for source in sources):
        return total_of(sources)
    if mode not in (Mode.INDEX, Mode.FIRST):
        return sql("NULL::bigint")
    rows: LiteralString = "(SELECT count(*) FROM page)"
    known = sql("WHEN ", rows, " < ", _LIMIT, " THEN ", _START, " + ", rows)
    return sql("CASE ", known, " ELSE ", total_of(sources), " END")


def _page_ids(sources: Sequence[Source], mode: Mode, *, descending: bool) -> Sql:
    backwards = mode in (Mode.BEFORE_VALUE, Mode.BEFORE_MISSING)
    downwards = descending != backwards
    found = [
        sql(source.ids, " AND ", reach, source.order(downwards=downwards))
        for source in sources
        for reach in source.ranges(mode, downwards=downwards)
    ]
    if not found:
        return sql(sources[0].ids, " AND FALSE")
    if len(found) == 1:
        return sql(found[0], _SLICE)
    # Each part is cut where the whole page could end at the latest, so that none is read further.
    parts = joined(" UNION ALL ", [sql("(", part, _REACH, ")") for part in found])
    order: LiteralString = "sort_key DESC, sort_id DESC" if downwards else "sort_key, sort_id"
    return sql("SELECT * FROM (", parts, ") AS found ORDER BY ", order, _SLICE)


def _joined_rows(source: Source, *, several: bool) -> Sql:
    table, select = source.rows.table, source.rows.select
    origin: LiteralString = f" FROM page AS p JOIN {table.table} AS {table.alias} ON {table.alias}.org_id = "
    rows = sql(origin, _ORGANIZATION, f" AND {table.alias}.id = p.sort_id ", source.rows.joins)
    chosen: LiteralString = f" WHERE p.kind = '{table.kind}'" if several else ""
    leading: LiteralString = "SELECT p.kind, p.sort_id, p.sort_key, (SELECT total FROM counted) AS total, "
    return sql(leading, select, rows, chosen)
