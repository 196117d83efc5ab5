"""Filters compiled to SQL (RFC 7644, section 3.4.2.2): as scim2-models' in-memory `match` decides.

A condition is true for the rows that match, and false or NULL for the others. `and` and `or` meet
NULL without harm and `not` asks `IS NOT TRUE`, so no leaf pays for two-valued logic, and a leaf that
an index serves keeps its index.
Proven by tests/properties/test_filter_sql.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Union, cast

from pydantic import ValidationError
from scim2_models import AttributeBinding, InvalidFilterException, SearchRequest
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    Not,
    Present,
    ScimFilter,
    ValuePath,
)

from scimserver.db.where import Sql
from scimserver.scim import conditions
from scimserver.scim.columns import Entries, Membership, Node, Operand, ResourceTable, scim_names
from scimserver.scim.conditions import FALSE, negated
from scimserver.scim.filter_entries import EntryFilter, conjuncts, logical
from scimserver.scim.filter_text import FilterText, Lifted, lift
from scimserver.scim.searchable import SearchableAttributes

JOINED_MEMBERSHIPS = 3
"""Where a filter looks at more memberships, PostgreSQL plans each for itself."""

_MEMBERSHIPS = frozenset({"members", "groups"})


class Lookup(Enum):
    """Whether, whatever the values, an index finds the few rows that can match."""

    NONE = auto()
    COLUMN = auto()
    """An index that begins with the organisation does."""
    ENTRIES = auto()
    """An index over the entries of a multi-valued attribute does, of all organisations at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A filter as SQL on one resource type's rows. What it binds are readers of the filter's strings."""

    sql: Sql
    lookup: Lookup

    @property
    def is_lookup(self) -> bool:
        """Whether few rows can match, and an index finds them."""
        return self.lookup is not Lookup.NONE


@lru_cache(maxsize=512)
def condition(text: FilterText, tables: tuple[ResourceTable, ...], table: ResourceTable) -> Condition:
    """The condition on `table` of a filter over all of `tables`. Built once for each shape.

    An attribute that only another table has is one without a value (RFC 7644, section 3.4.2.1).
    Raises InvalidFilterException, and SensitiveAttribute if the filter names a password.
    """
    _validate(text, tables)
    scim_filter: ScimFilter[Any] = cast(Any, ScimFilter)[table.model](text.text)
    attributes = SearchableAttributes(table, scim_filter)
    node = lift(scim_filter)
    compiler = _Compiler(attributes, apart=_memberships(node) > JOINED_MEMBERSHIPS)
    return Condition(sql=compiler.visit(node), lookup=_lookup(attributes, node))


def _validate(text: FilterText, tables: tuple[ResourceTable, ...]) -> None:
    """As the library does: an attribute that no table has is an error, one that some have is not."""
    models = Union[tuple(table.model for table in tables)]  # noqa: UP007 - of any number of models
    try:
        cast(Any, SearchRequest)[models](filter=text.text)
    except ValidationError as error:
        raise InvalidFilterException(detail=error.errors()[0]["msg"]) from error


class _Compiler(FilterVisitor[Sql]):
    """A filter's tree as a condition on the rows of a table."""

    def __init__(self, attributes: SearchableAttributes, *, apart: bool) -> None:
        self._attributes = attributes
        self._apart = apart
        self._table = attributes.table

    def visit_not(self, node: Not) -> Sql:
        return negated(self.visit(node.expr))

    def visit_logical_expr(self, node: LogicalExpr) -> Sql:
        return logical(node.op, [self.visit(term) for term in node.terms])

    def visit_present(self, node: Present) -> Sql:
        binding = self._attributes.find(node.attr_path)
        if binding is None:
            return FALSE
        match self._table.place(binding):
            case Operand() as operand:
                return conditions.value_present(operand)
            case Node() as place:
                return conditions.node_present(place)
            case place if binding.sub_field_name is None:
                return conditions.list_present(place, apart=self._apart)
            case place:
                entry = EntryFilter(self._attributes, node.attr_path, place, apart=self._apart)
                return entry.selected(Present(_sub_attribute(binding)))

    def visit_comparison(self, node: Comparison) -> Sql:
        binding = self._attributes.find_compared(node.attr_path)
        if binding is None:
            return FALSE
        match self._table.place(binding):
            case Operand() as operand:
                return conditions.value_compared(operand, binding, node.op, node.value)
            case Node() as place:
                return conditions.node_compared(conditions.absent(place), node.op, node.value)
            case Entries(scalar=False) as place if binding.sub_field_name is None:
                return conditions.node_compared(conditions.absent(place), node.op, node.value)
            case place:
                entry = EntryFilter(self._attributes, node.attr_path, place, apart=self._apart)
                return entry.compared(Comparison(_sub_attribute(binding), node.op, node.value))

    def visit_value_path(self, node: ValuePath) -> Sql:
        binding = self._attributes.find(node.attr_path)
        if binding is None:
            return FALSE
        place = self._table.place(binding)
        assert isinstance(place, Entries | Membership), "the library refuses to select from a single value"
        entry = EntryFilter(self._attributes, node.attr_path, place, apart=self._apart)
        return entry.selected(node.val_filter)


def _memberships(node: FilterNode) -> int:
    match node:
        case Not():
            return _memberships(node.expr)
        case LogicalExpr():
            return sum([_memberships(term) for term in node.terms])
        case Comparison() | Present() | ValuePath():
            return int(node.attr_path.attr.lower() in _MEMBERSHIPS)
        case _:
            return 0


def _sub_attribute(binding: AttributeBinding) -> AttrPath:
    return AttrPath(scim_names(binding)[-1] if binding.sub_field_name else "value")


def _lookup(attributes: SearchableAttributes, node: FilterNode) -> Lookup:
    """What the equalities that must hold allow."""
    table = attributes.table
    names = {table.name(binding) for binding in _equal(attributes, node)}
    if names & table.lookup_columns:
        return Lookup.COLUMN
    return Lookup.ENTRIES if names & table.lookup_entries else Lookup.NONE


def _equal(attributes: SearchableAttributes, node: FilterNode) -> Iterator[AttributeBinding]:
    """The attributes of which a match must hold a given string."""
    for term in _required(node):
        if isinstance(term, Comparison) and term.op == CompareOperator.eq and isinstance(term.value, Lifted):
            binding = attributes.find_compared(term.attr_path)
            if binding is not None:
                yield binding


def _required(node: FilterNode) -> Iterator[FilterNode]:
    """The conditions that must hold, those on one entry taken out of their brackets."""
    for term in conjuncts(node):
        yield term
        if isinstance(term, ValuePath):
            for inner in conjuncts(term.val_filter):
                if isinstance(inner, Comparison) and inner.attr_path.sub_attr is None:
                    path = AttrPath(term.attr_path.attr, inner.attr_path.attr, term.attr_path.uri)
                    yield Comparison(path, inner.op, inner.value)
