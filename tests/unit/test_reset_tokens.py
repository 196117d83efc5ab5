"""Tokens of links: what they are made of, and what is none."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scimserver.directory.password_resets import LASTS, Purpose, new_token, parse_token
from scimserver.kernel.ids import OrganizationId
from scimserver.kernel.secrets import digest

ACME = OrganizationId(UUID(int=7))


@given(st.uuids())
def test_token_names_its_organisation(organization: UUID):
    token = new_token(OrganizationId(organization))
    assert parse_token(token) == (organization, digest(token))


def test_token_can_stand_in_an_address_as_it_is():
    assert new_token(ACME).replace("-", "").replace("_", "").isalnum()
    assert len(new_token(ACME)) == 64


def test_tokens_differ():
    assert len({new_token(ACME) for _ in range(100)}) == 100


@given(st.text(max_size=80))
def test_anything_else_is_no_token_or_one_of_64_characters(text: str):
    parsed = parse_token(text)
    assert parsed is None or (len(text) == 64 and text.isascii())


@pytest.mark.parametrize(
    "text", ["", "x" * 63, "x" * 65, "x" * 63 + "=", "x" * 63 + "\n", "é" * 64, "+" * 64]
)
def test_what_has_another_form_is_no_token(text: str):
    assert parse_token(text) is None


def test_digest_is_of_all_of_the_token():
    token, other = new_token(ACME), new_token(OrganizationId(uuid4()))
    mixed = other[:16] + token[16:]
    assert parse_token(mixed) != parse_token(token)


def test_links_last_as_long_as_is_said():
    assert {purpose.value: LASTS[purpose].total_seconds() / 3600 for purpose in Purpose} == {
        "self_service": 1,
        "administrator": 24,
        "invitation": 72,
    }
