"""Whether a form is ours: where a browser says that it comes from, and whose token it carries."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from scimserver.console.forms import BadForm, Form, is_token_for, require_same_site, token_for
from scimserver.http.place import place_of

HERE = place_of("https://id.example.com")


def is_ours(headers: list[tuple[str, str]]) -> bool:
    try:
        require_same_site(make_mocked_request("POST", "/signin", CIMultiDict(headers)), HERE)
    except BadForm:
        return False
    return True


@pytest.mark.parametrize(
    "headers",
    [
        [("Sec-Fetch-Site", "same-origin"), ("Origin", "https://id.example.com")],
        [("Sec-Fetch-Site", "same-origin"), ("Origin", "null")],
        [("Sec-Fetch-Site", "none"), ("Origin", "https://id.example.com")],
        [("Origin", "https://id.example.com")],
        [],
    ],
    ids=str,
)
def test_form_from_our_page_is_taken(headers: list[tuple[str, str]]):
    assert is_ours(headers)


@pytest.mark.parametrize(
    "headers",
    [
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site"), ("Origin", "https://id.example.com")],
        [("Sec-Fetch-Site", "cross-site"), ("Origin", "null")],
        [("Origin", "https://example.com")],
        [("Origin", "http://id.example.com")],
        [("Origin", "https://id.example.com:8443")],
        [("Origin", "https://id.example.com.attacker.test")],
        [("Origin", "https://id.example.com"), ("Origin", "https://attacker.test")],
        [("Sec-Fetch-Site", "nonsense")],
    ],
    ids=str,
)
def test_form_from_elsewhere_is_refused(headers: list[tuple[str, str]]):
    assert not is_ours(headers)


def test_token_belongs_to_one_secret():
    assert is_token_for("secret", token_for("secret"))
    assert not is_token_for("another", token_for("secret"))
    assert not is_token_for(None, token_for("secret"))
    assert not is_token_for("secret", "")
    assert not is_token_for("secret", "ä" + token_for("secret"))


def test_token_does_not_tell_the_secret():
    assert "secret" not in token_for("secret")


def test_form_shows_no_values_where_it_is_printed():
    assert "hunter2" not in repr(Form(values={"password": "hunter2"}))
