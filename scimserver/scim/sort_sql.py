"""Sort orders compiled to SQL (RFC 7644, section 3.4.2.3): as scim2-models' `SearchRequest.sort` orders.

A resource without value comes last when ascending and first when descending, which is what
PostgreSQL does with NULL; of a multi-valued attribute counts the primary entry, else the first.
Proven by tests/properties/test_sort_sql.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, Union, cast

from pydantic import ValidationError
from scim2_models import InvalidPathException, SearchRequest

from scimserver.db.where import quoted
from scimserver.scim.columns import Entries, Membership, Node, Operand, ResourceTable, scim_names


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """What a resource type's rows are ordered by, before their id."""

    sql: LiteralString
    kind: LiteralString
    """Its SQL type."""
    nullable: bool
    unique: bool
    """Whether no two rows of an organisation have the same: the id then decides nothing."""


def sort_keys(sort_by: str | None, tables: Sequence[ResourceTable]) -> list[SortKey | None]:
    """For each table its key; None where all rows are alike to the attribute, so that ids decide.

    Raises InvalidPathException for an attribute that no table has or that cannot order anything.
    """
    if sort_by is None:
        return [None] * len(tables)
    models = Union[tuple(table.model for table in tables)]  # noqa: UP007 - of any number of models
    try:
        request: SearchRequest[Any] = cast(Any, SearchRequest)[models](sort_by=sort_by)
    except ValidationError as error:
        raise InvalidPathException(path=sort_by, detail=error.errors()[0]["msg"]) from error
    return [_sort_key(request, table) for table in tables]


def _sort_key(request: SearchRequest[Any], table: ResourceTable) -> SortKey | None:
    binding = request.sort_binding(table.model)
    if binding is None:
        return None
    name = table.name(binding)
    place = table.place(binding)
    if name in table.answered_only or isinstance(place, Membership | Node):
        detail = f"'{binding.urn}' is made for each answer and stored nowhere: it cannot order a search"
        raise InvalidPathException(path=str(request.sort_by), detail=detail)
    if isinstance(place, Entries):
        return _text_key(_entry(place, scim_names(binding)[-1]))
    if name not in table.columns:
        return _text_key(place.sql)
    return _column_key(place, unique=name in table.unique)


def _column_key(operand: Operand, *, unique: bool) -> SortKey | None:
    if operand.kind == "uuid":
        # A resource's own id decides among equals anyway.
        return _text_key(f"{operand.sql}::text") if operand.nullable else None
    return SortKey(sql=operand.sql, kind=operand.kind, nullable=operand.nullable, unique=unique)


def _text_key(text: LiteralString) -> SortKey:
    return SortKey(sql=f'({text} COLLATE "C")', kind="text", nullable=True, unique=False)


def _entry(place: Entries, sub_attribute: str) -> LiteralString:
    if place.scalar:
        return f"({place.array} ->> 0)"
    primary: LiteralString = f"jsonb_path_query_first({place.array}, '$[*] ? (@.primary == true)')"
    return f"(COALESCE({primary}, {place.array} -> 0) ->> {quoted(sub_attribute)})"
