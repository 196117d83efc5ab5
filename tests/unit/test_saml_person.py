"""Of which person an assertion tells: their address, and what they are called."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from scimserver.access.saml.asserted import Asserted
from scimserver.access.saml.person import MAX_NAME, address_of, names_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
ADA = "ada@example.com"


def asserted(
    name_id: str = "00u1", also: Mapping[str, tuple[str, ...]] | None = None, /, **attributes: tuple[str, ...]
) -> Asserted:
    """What an identity provider says of somebody."""
    return Asserted(
        id="_a",
        issuer="urn:idp",
        name_id=name_id,
        name_id_format=None,
        issued=NOW,
        confirmations=(),
        not_before=None,
        not_on_or_after=None,
        audiences=(),
        authenticated=NOW,
        session_ends=None,
        attributes={**attributes, **(also or {})},
        destination=None,
        in_response_to=None,
    )


@pytest.mark.parametrize(
    "said,address",
    [
        (asserted(ADA), ADA),
        (asserted("Ada@Example.com"), "Ada@Example.com"),
        (asserted(ADA, email=("eve@example.com",)), ADA),
        (asserted(email=(ADA,)), ADA),
        (asserted(email=(ADA, ADA), mail=(ADA,)), ADA),
        (asserted("00u1", {f"{CLAIMS}emailaddress": (ADA,)}), ADA),
        (asserted("00u1", {"urn:oid:0.9.2342.19200300.100.1.3": (ADA,)}), ADA),
        (asserted(), None),
        (asserted(email=()), None),
        (asserted(email=("",)), None),
        (asserted(email=(ADA, "eve@example.com")), None),
        (asserted(email=(ADA,), mail=("eve@example.com",)), None),
        (asserted("a@b@example.com", email=(ADA,)), None),
        (asserted("ada@", email=(ADA,)), None),
        (asserted(Email=(ADA,)), None),
    ],
    ids=str,
)
def test_address_is_the_name_or_one_attribute(said: Asserted, address: str | None):
    found = address_of(said)
    assert (found and found[0]) == address


def test_address_is_taken_apart():
    found = address_of(asserted("Ada@EXAMPLE.com"))
    assert found is not None
    assert (found[1].local, found[1].domain) == ("Ada", "example.com")


@pytest.mark.parametrize(
    "given,family",
    [
        (f"{CLAIMS}givenname", f"{CLAIMS}surname"),
        ("urn:oid:2.5.4.42", "urn:oid:2.5.4.4"),
        ("firstName", "lastName"),
        ("givenName", "sn"),
    ],
)
def test_names_are_found_as_providers_send_them(given: str, family: str):
    found = names_of(asserted("00u1", {given: ("Ada",), family: ("Byron", "King")}))
    assert found == {"givenName": "Ada", "familyName": "Byron"}


@pytest.mark.parametrize("name", ["", "x" * (MAX_NAME + 1), "A\u200bda", "A\nda"])
def test_name_that_nobody_has_is_left_out(name: str):
    assert names_of(asserted(firstName=(name,), lastName=("Byron",))) == {"familyName": "Byron"}
