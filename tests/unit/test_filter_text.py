"""Filters taken apart into shape and strings."""

from typing import Any

import pytest
from scim2_models import InvalidFilterException, ScimFilter

from scimserver.scim.filter_text import MAX_LENGTH, MAX_TERMS, Lifted, lift, take_apart

SHAPES = [
    ('userName eq "a"', 'userName eq ""', ("a",)),
    ('userName eq ""', 'userName eq ""', ("",)),
    ('a eq "x" and b eq "y\\"z"', 'a eq "" and b eq ""', ("x", 'y"z')),
    ('emails[type eq "work"].value eq "é\\u00e9"', 'emails[type eq ""].value eq ""', ("work", "éé")),
    ("a eq true and b eq 5 and c pr", "a eq true and b eq 5 and c pr", ()),
    ('a eq "and or ] ."', 'a eq ""', ("and or ] .",)),
    ('a eq "\\ud83d\\ude00"', 'a eq ""', ("😀",)),
]


@pytest.mark.parametrize("text,shape,literals", SHAPES)
def test_filter_is_taken_apart(text, shape, literals):
    taken = take_apart(text)
    assert (taken.shape, taken.literals, taken.text) == (shape, literals, text)


def test_filters_that_differ_in_their_strings_are_equal():
    one, other = take_apart('userName eq "a"'), take_apart('userName eq "b"')
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize("other", ['userName ne "a"', 'username eq "a"', "userName eq 5", 'userName  eq "a"'])
def test_filters_that_differ_otherwise_are_not_equal(other):
    assert take_apart('userName eq "a"') != take_apart(other)


@pytest.mark.parametrize("string", ["\\u0000", "\\ud800", "\\udc00 \\ud800", "a\\uDFFF"])
def test_string_that_no_value_can_equal_is_refused(string):
    with pytest.raises(InvalidFilterException, match="NUL or half a surrogate pair"):
        take_apart(f'userName eq "{string}"')


def test_filter_may_be_as_long_as_the_limit():
    text = 'title eq "{}"'.format("x" * (MAX_LENGTH - len('title eq ""')))
    assert len(take_apart(text).text) == MAX_LENGTH
    with pytest.raises(InvalidFilterException, match=str(MAX_LENGTH)):
        take_apart(text + " ")


@pytest.mark.parametrize("connective", [" and ", " OR ", " or\t", ")or("])
def test_filter_may_have_as_many_terms_as_the_limit(connective):
    assert take_apart(connective.join(["title pr"] * MAX_TERMS)).literals == ()
    with pytest.raises(InvalidFilterException, match=str(MAX_TERMS)):
        take_apart(connective.join(["title pr"] * (MAX_TERMS + 1)))


def test_names_that_contain_a_connective_are_no_terms():
    assert take_apart(" ".join(["android", "x.or", "urn:or:and", "or-x", "$or"] * MAX_TERMS)).literals == ()


def test_strings_are_lifted_in_the_order_of_the_text():
    text = 'a eq "0" and (b[not (c eq "1" or d pr)].e ne "2" or not (f eq 5 and g sw "3"))'
    lifted = str(lift_shape(text))
    assert [lifted.index(f"Lifted(index={number})") for number in range(4)] == sorted(
        lifted.index(f"Lifted(index={number})") for number in range(4)
    )
    assert take_apart(text).literals == ("0", "1", "2", "3")


def test_only_strings_are_lifted():
    node: Any = lift(ScimFilter('a eq 5 and b eq null and c eq true and d eq "x"'))
    assert [term.value for term in node.terms] == [5, None, True, Lifted(0)]


def lift_shape(text: str) -> str:
    return repr(lift(ScimFilter(text)))
