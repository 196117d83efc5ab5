"""The leaves of a compiled filter: one comparison or presence test as SQL (RFC 7644, section 3.4.2.2).

`ne` is everywhere the negation of `eq`: a value that is missing, and a list of which no entry
equals, are not equal. That is how scim2-models' in-memory evaluator reads the RFC.
Proven by tests/properties/test_filter_sql.py.
"""

from collections.abc import Mapping
from typing import Any, LiteralString

from scim2_models import AttributeBinding
from scim2_models.path import STRING_OPERATORS, CompareOperator

from scimserver.db.where import Sql, bind, quoted, sql
from scimserver.scim import literals
from scimserver.scim.columns import Entries, Membership, Node, Operand
from scimserver.scim.filter_text import Lifted

FALSE = sql("FALSE")
TRUE = sql("TRUE")

_ORDERING: Mapping[CompareOperator, LiteralString] = {
    CompareOperator.gt: " > ",
    CompareOperator.ge: " >= ",
    CompareOperator.lt: " < ",
    CompareOperator.le: " <= ",
}
_NOT_EMPTY: LiteralString = """? (@.type() != "string" || @ != "")"""


def negated(condition: Sql) -> Sql:
    """True for the rows for which the condition is false or NULL."""
    return sql("((", condition, ") IS NOT TRUE)")


def value_compared(operand: Operand, binding: AttributeBinding, op: CompareOperator, value: Any) -> Sql:
    """A single value compared; `value` is the filter's operand."""
    if op == CompareOperator.ne:
        return negated(value_compared(operand, binding, CompareOperator.eq, value))
    if value is None:
        return sql("(", operand.sql, " IS NULL)") if op == CompareOperator.eq else FALSE
    if op in STRING_OPERATORS:
        return _text_searched(operand, binding, op, value)
    if op == CompareOperator.eq:
        argument = bind(literals.operand(binding, op, value, operand.kind), operand.kind)
        return sql("(", operand.sql, " = ", argument, ")")
    return _ordered(operand, binding, op, value)


def _text_searched(operand: Operand, binding: AttributeBinding, op: CompareOperator, value: Any) -> Sql:
    if operand.kind not in ("text", "uuid") or not isinstance(value, Lifted):
        return FALSE
    pattern = bind(literals.pattern(binding, op, value), "text")
    return sql("(", _as_text(operand), " LIKE ", pattern, ")")


def _ordered(operand: Operand, binding: AttributeBinding, op: CompareOperator, value: Any) -> Sql:
    if operand.kind == "timestamptz":
        instant = bind(literals.operand(binding, op, value, "timestamptz"), "timestamptz")
        return sql("(", operand.sql, _ORDERING[op], instant, ")")
    text = bind(literals.operand(binding, op, value, "text"), "text")
    return sql("(", _as_text(operand), _ORDERING[op], text, ' COLLATE "C")')


def _as_text(operand: Operand) -> LiteralString:
    return operand.sql if operand.kind == "text" else f"{operand.sql}::text"


def value_present(operand: Operand) -> Sql:
    """A single value that is there and not the empty string."""
    return sql("(", operand.sql, " <> '')" if operand.kind == "text" else " IS NOT NULL)")


def node_compared(absent: Sql, op: CompareOperator, value: Any) -> Sql:
    """A complex attribute compared as a whole: it may be missing, it equals nothing."""
    if op == CompareOperator.ne:
        return negated(node_compared(absent, CompareOperator.eq, value))
    return absent if op == CompareOperator.eq and value is None else FALSE


def node_present(node: Node) -> Sql:
    """A complex attribute of which a sub-attribute is there and not empty."""
    if node.is_column:
        return sql("(", node.sql or "", " IS NOT NULL)")
    return TRUE if node.sql is None else sql("jsonb_path_exists(", node.sql, ", '$.* ", _NOT_EMPTY, "')")


def list_present(place: Entries | Membership, *, apart: bool) -> Sql:
    """A multi-valued attribute of which an entry is there and not empty."""
    if isinstance(place, Membership):
        return some(place, TRUE, apart=apart)
    steps: LiteralString = "$[*] " if place.scalar else "$[*].* "
    return sql("jsonb_path_exists(", place.array, ", '", steps, _NOT_EMPTY, "')")


def absent(place: Entries | Membership | Node, *, apart: bool = False) -> Sql:
    """An attribute that the resource does not have."""
    if isinstance(place, Membership):
        return negated(some(place, TRUE, apart=apart))
    stored = place.array if isinstance(place, Entries) else place.sql
    return FALSE if stored is None else sql("(", stored, " IS NULL)")


def some(place: Entries | Membership, inner: Sql, *, named: bool = False, apart: bool) -> Sql:
    """True if an entry satisfies `inner`; `named` if that reads the other side of a membership.

    `apart` has PostgreSQL plan a membership for itself. It would make one join of all that must hold,
    and look for its best order: with two hundred of them that takes longer than any search.
    """
    if isinstance(place, Membership):
        rows = place.named_rows if named else place.rows
        fence: LiteralString = " OFFSET 0)" if apart else ")"
        return sql("EXISTS (SELECT FROM ", rows, " WHERE ", place.belongs, " AND ", inner, fence)
    elements: LiteralString = "jsonb_array_elements_text" if place.scalar else "jsonb_array_elements"
    return sql("EXISTS (SELECT FROM ", elements, "(", place.array, ") AS e (entry) WHERE ", inner, ")")


def contained(place: Entries, readers: Mapping[str, literals.Reader]) -> Sql:
    """True if one entry has all these values: the form that an index on the array serves.

    The index is asked for `value` alone, which few entries share. Asked for more, it would also walk
    through all that are `work`, which takes several times as long.
    """
    whole = sql("(", place.array, " @> ", bind(literals.entry(readers), "jsonb"), ")")
    if len(readers) == 1 or "value" not in readers:
        return whole
    rare = contained(place, {"value": readers["value"]})
    return sql("(", rare, " AND (", whole, " IS TRUE))")


def entry_operand(place: Entries | Membership, sub_attribute: str) -> Operand:
    """A sub-attribute of the entry that `some` looks at."""
    if isinstance(place, Membership):
        return place.operands[sub_attribute]
    if place.scalar:
        return Operand(sql="e.entry", nullable=False)
    return Operand(sql=f"(e.entry ->> {quoted(sub_attribute)})")
