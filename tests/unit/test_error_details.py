"""The sentence of an error: one line of bounded length, whatever a client sent that stands in it."""

import pytest
from pydantic import ValidationError
from scim2_models import (
    Error,
    InvalidFilterException,
    InvalidPathException,
    SCIMException,
    SearchRequest,
    User,
)

from scimserver.kernel.errors import InvalidValue
from scimserver.scim.errors import MAX_DETAIL, scim_error


def told(failure: Exception) -> str:
    error = scim_error(failure)
    assert error is not None
    return error.to_error().detail or ""


@pytest.mark.parametrize(
    "detail", ["The value is too long.", "na\u00efve \u5bc6 \U0001f600", "x" * MAX_DETAIL]
)
def test_detail_of_one_line_is_left_alone(detail: str):
    assert told(InvalidValue(detail)) == detail


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\x1b", "\x85", "\u2028", "\ud800"])
def test_detail_shows_what_breaks_lines_by_its_number(character: str):
    assert told(InvalidValue(f'"a{character}b" is no name.')) == f'"a\\u{ord(character):04x}b" is no name.'


def test_long_detail_keeps_its_beginning_and_its_end():
    detail = told(InvalidPathException(detail="The path " + "x" * 9_000 + " is none: write another."))
    assert len(detail) == MAX_DETAIL
    assert detail.startswith("The path x")
    assert detail.endswith("x is none: write another.")


def test_detail_of_an_error_that_came_whole_is_bounded_too():
    error = Error(status=400, scim_type="invalidValue", detail="a\nb" + "x" * 9_000)
    detail = told(SCIMException.from_error(error))
    assert detail.startswith("a\\u000ab")
    assert len(detail) == MAX_DETAIL


@pytest.mark.parametrize("kind", [InvalidPathException, InvalidFilterException])
@pytest.mark.parametrize("string", ['"sesame"', '"se\\"same"', '""'])
def test_detail_repeats_a_path_or_a_filter_without_its_strings(kind: type[SCIMException], string: str):
    failure = kind(detail=f"'password eq {string}' is no attribute.")
    assert told(failure) == "'password eq \"...\"' is no attribute."


def test_detail_of_a_wrong_type_names_no_type_of_a_program():
    with pytest.raises(ValidationError) as invalid:
        SearchRequest[User].model_validate({"attributes": [None]})
    assert told(invalid.value) == "A string is expected here: attributes[0]"
