"""Filters on multi-valued attributes compiled to SQL: value paths, and comparisons with a list.

Equalities on one entry become one containment test, which an index on the list serves; every other
shape looks at the entries one by one (RFC 7644, section 3.4.2.2: `valuePath`).
Proven by tests/properties/test_filter_sql.py.
"""

from typing import cast

from scim2_models import AttributeBinding
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
)

from scimserver.db.where import Sql, joined, sql
from scimserver.scim import conditions, literals
from scimserver.scim.columns import Entries, Membership, Operand, scim_names
from scimserver.scim.conditions import FALSE, negated
from scimserver.scim.filter_text import Lifted
from scimserver.scim.searchable import SearchableAttributes


class EntryFilter(FilterVisitor[Sql]):
    """A condition on one entry of a multi-valued attribute."""

    def __init__(
        self, attributes: SearchableAttributes, path: AttrPath, place: Entries | Membership, *, apart: bool
    ) -> None:
        self._attributes = attributes
        self._path = path
        self._place = place
        self._apart = apart
        self._named = False

    def selected(self, node: FilterNode) -> Sql:
        """True if some entry satisfies `node`."""
        if isinstance(node, LogicalExpr) and node.op == LogicalOperator.or_:
            return logical(node.op, [self.selected(term) for term in node.terms])
        equalities = self._equalities(node)
        if equalities:
            return conditions.contained(cast(Entries, self._place), equalities)
        self._named = False
        inner = self.visit(node)
        return conditions.some(self._place, inner, named=self._named, apart=self._apart)

    def compared(self, node: Comparison) -> Sql:
        """A comparison with the whole list: some entry matches; for `ne`, none equals."""
        if node.op == CompareOperator.ne:
            return negated(self.compared(Comparison(node.attr_path, CompareOperator.eq, node.value)))
        found = self.selected(node)
        if node.op == CompareOperator.eq and node.value is None:
            return logical(LogicalOperator.or_, [conditions.absent(self._place, apart=self._apart), found])
        return found

    def find(self, path: AttrPath) -> AttributeBinding | None:
        """The attribute of an entry, or None if entries have none of that name.

        Raises as `SearchableAttributes.find` does.
        """
        if path.sub_attr or (path.uri and not self._is_scalar()):
            return None
        if self._is_scalar():
            return self._attributes.find(self._path) if path.attr.lower() == "value" else None
        return self._attributes.find(AttrPath(self._path.attr, path.attr, self._path.uri))

    def visit_not(self, node: Not) -> Sql:
        """An entry that does not satisfy the condition."""
        return negated(self.visit(node.expr))

    def visit_logical_expr(self, node: LogicalExpr) -> Sql:
        """An entry that satisfies all conditions, or one of them."""
        return logical(node.op, [self.visit(term) for term in node.terms])

    def visit_present(self, node: Present) -> Sql:
        """An entry that has a value for the sub-attribute."""
        binding = self.find(node.attr_path)
        return conditions.value_present(self._operand(binding)) if binding else FALSE

    def visit_comparison(self, node: Comparison) -> Sql:
        """An entry whose sub-attribute compares so."""
        binding = self.find(node.attr_path)
        if binding is None:
            return FALSE
        operand = self._operand(binding)
        if self._is_scalar() and not isinstance(node.value, Lifted | None):
            return conditions.node_compared(FALSE, node.op, node.value)
        return conditions.value_compared(operand, binding, node.op, node.value)

    def _is_scalar(self) -> bool:
        return isinstance(self._place, Entries) and self._place.scalar

    def _operand(self, binding: AttributeBinding) -> Operand:
        name = scim_names(binding)[-1]
        if isinstance(self._place, Membership) and name in self._place.named:
            self._named = True
        return conditions.entry_operand(self._place, name)

    def _equalities(self, node: FilterNode) -> dict[str, literals.Reader] | None:
        """The values by sub-attribute, if `node` asks for nothing but that one entry has them all."""
        if isinstance(self._place, Membership) or self._place.scalar:
            return None
        readers: dict[str, literals.Reader] = {}
        for term in conjuncts(node):
            if not isinstance(term, Comparison) or term.op != CompareOperator.eq or term.value is None:
                return None
            binding = self.find(term.attr_path)
            if binding is None or scim_names(binding)[-1] in readers:
                return None
            readers[scim_names(binding)[-1]] = literals.entry_value(binding, term.value)
        return readers


def conjuncts(node: FilterNode) -> tuple[FilterNode, ...]:
    """The conditions of which all must hold."""
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        return tuple(part for term in node.terms for part in conjuncts(term))
    return (node,)


def logical(op: LogicalOperator, terms: list[Sql]) -> Sql:
    """The terms, of which all must hold, or one."""
    return sql("(", joined(" AND " if op == LogicalOperator.and_ else " OR ", terms), ")")
