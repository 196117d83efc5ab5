"""SAML connections, without a database: their addresses, their settings, what follows on what."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from scimserver.access.saml.metadata import parse_metadata
from scimserver.access.saml.place import addresses_of
from scimserver.directory.saml import SamlConnection, State, Wanted, difference, parse_path_id, path_id
from scimserver.directory.saml.model import MAX_URL, NEXT, settled
from scimserver.kernel.errors import InvalidValue
from scimserver.kernel.facts import Change
from scimserver.kernel.ids import OrganizationId, SamlConnectionId
from tests.metadata import key, metadata
from tests.responses.provider import signer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORGANIZATION, CONNECTION = OrganizationId(UUID(int=5)), SamlConnectionId(UUID(int=7))
PROVIDER = parse_metadata(metadata().encode(), NOW)
MADE = SamlConnection(
    id=CONNECTION,
    state=State.DRAFT,
    provider=PROVIDER,
    wanted=Wanted(name="Okta"),
    fetched=None,
    version=1,
    created=NOW,
    last_modified=NOW,
)


def test_addresses_name_the_connection_and_its_organisation():
    ours = addresses_of("https://id.example.com", ORGANIZATION, CONNECTION)
    base, _, last = ours.acs_url.rpartition("/")
    assert last == "acs"
    assert (ours.entity_id, ours.login_url) == (f"{base}/metadata", f"{base}/login")
    assert parse_path_id(base.rpartition("/")[2]) == (ORGANIZATION, CONNECTION)


@pytest.mark.parametrize(
    "text", ["", "a", "a" * 42, "a" * 44, "é" * 43, path_id(ORGANIZATION, CONNECTION)[:-1] + "d"]
)
def test_what_is_no_connection_s_path_is_none(text: str):
    assert parse_path_id(text) is None


@pytest.mark.parametrize(
    "different,attribute",
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"authenticated_within": timedelta(minutes=14)}, "authenticatedWithin"),
        ({"authenticated_within": timedelta(days=31)}, "authenticatedWithin"),
        ({"reset_uri": "http://idp.example.com"}, "resetUri"),
        ({"reset_uri": "javascript:alert(1)"}, "resetUri"),
        ({"contact": "a" * 101}, "contact"),
        ({"contact": "a\u0000"}, "contact"),
        ({"external_id_attribute": ""}, "externalIdAttribute"),
        ({"external_id_attribute": " "}, "externalIdAttribute"),
        ({"external_id_attribute": "a\nb"}, "externalIdAttribute"),
        ({"external_id_attribute": "a\u0000"}, "externalIdAttribute"),
        ({"external_id_attribute": "a" * (MAX_URL + 1)}, "externalIdAttribute"),
        ({"external_id_attribute": " " * MAX_URL + "a"}, "externalIdAttribute"),
    ],
)
def test_setting_that_may_not_be_is_named(different: dict[str, Any], attribute: str):
    with pytest.raises(InvalidValue) as refused:
        settled(Wanted(**{"name": "Okta", **different}))
    assert refused.value.attribute == attribute


@pytest.mark.parametrize(
    "attribute", [None, "id", "urn:oid:2.5.4.45", "User ID", "Schl\u00fcssel", "a" * MAX_URL]
)
def test_attribute_may_have_any_name_of_one_line(attribute: str | None):
    wanted = Wanted(name="Okta", external_id_attribute=attribute)
    assert settled(wanted).external_id_attribute == attribute


def test_nobody_is_signed_in_by_a_connection_that_was_not_tried():
    assert [state for state, following in NEXT.items() if State.ACTIVE in following] == [State.TESTING]


def test_difference_tells_certificates_by_their_fingerprints():
    keys = key(signer().certificate) + key(signer("next").certificate)
    changes = difference(MADE, parse_metadata(metadata(keys=keys).encode(), NOW), MADE.wanted)
    old = [PROVIDER.certificates[0].sha256]
    [change] = changes
    assert (change.path, change.old) == ("certificates", old)
    assert isinstance(change.new, list)
    assert (change.new[:1], len(change.new)) == (old, 2)


def test_difference_names_what_else_is_taken_of_an_assertion():
    wanted = Wanted(name="Okta", external_id_attribute="id", takes_names=True)
    assert difference(MADE, PROVIDER, wanted) == (
        Change(path="externalIdAttribute", new="id"),
        Change(path="takesNames", old=False, new=True),
    )


def test_difference_from_the_same_is_nothing():
    assert difference(MADE, PROVIDER, MADE.wanted) == ()


def test_difference_names_each_address_that_changes():
    moved = metadata(entity_id="https://b.example.com", location="https://b.example.com/sso")
    changes = difference(MADE, parse_metadata(moved.encode(), NOW), MADE.wanted)
    assert changes == (
        Change(path="entityId", old="https://idp.example.com", new="https://b.example.com"),
        Change(path="ssoUrl", old="https://idp.example.com/sso", new="https://b.example.com/sso"),
    )
