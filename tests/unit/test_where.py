"""The composer of SQL."""

import pytest

from scimserver.db.where import bind, joined, quoted, sql


def test_arguments_are_numbered_in_the_order_of_the_text():
    composed = sql("a = ", bind(1, "int"), " AND ", sql("b = ", bind("x", "text")))
    assert composed.rendered() == ("a = $1::int AND b = $2::text", (1, "x"))


def test_an_argument_bound_twice_is_passed_once():
    organization = bind("o", "uuid")
    composed = sql("a = ", organization, " AND b = ", bind(2, "int"), " AND c = ", organization)
    assert composed.rendered() == ("a = $1::uuid AND b = $2::int AND c = $1::uuid", ("o", 2))


def test_equal_values_of_two_arguments_are_passed_twice():
    assert sql(bind(1, "int"), ", ", bind(1, "int")).rendered() == ("$1::int, $2::int", (1, 1))


@pytest.mark.parametrize("count,text", [(0, ""), (1, "x"), (3, "x AND x AND x")])
def test_parts_are_joined_with_the_separator_between_them(count, text):
    assert joined(" AND ", ["x"] * count).rendered() == (text, ())


def test_name_of_a_schema_is_quoted():
    assert quoted("urn:ietf:params:2.0:User") == "'urn:ietf:params:2.0:User'"


@pytest.mark.parametrize("name", ["", "a'b", "a b", "a\\", "é", "a\n"])
def test_what_is_no_name_of_a_schema_is_never_quoted(name):
    with pytest.raises(AssertionError):
        quoted(name)
