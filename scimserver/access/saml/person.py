"""Of which person an assertion tells: their address, and what they are called. Pure.

Identity providers send names as attributes, each in its own way: Entra ID as claims, Okta as its profile has
them, others by the object identifiers of LDAP. Nothing else is taken over.
Proven by tests/unit/test_saml_person.py.
"""

from collections.abc import Sequence
from typing import Final

from scimserver.access.saml.asserted import Asserted
from scimserver.kernel.addresses import Address, parse_address
from scimserver.kernel.domains import hidden_character
from scimserver.kernel.errors import InvalidValue

MAX_NAME: Final = 200
"""Characters of a given or a family name; a longer one is left out."""

_CLAIMS: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_ADDRESS: Final = (f"{_CLAIMS}emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "email", "mail")
_GIVEN: Final = (f"{_CLAIMS}givenname", "urn:oid:2.5.4.42", "firstName", "givenName")
_FAMILY: Final = (f"{_CLAIMS}surname", "urn:oid:2.5.4.4", "lastName", "sn")


def address_of(asserted: Asserted) -> tuple[str, Address] | None:
    """The person's address, as it was sent and taken apart; None where the assertion tells none.

    The name is the address where it can be one. Else it is an attribute that says one address: of several,
    nobody knows which.
    """
    if "@" in asserted.name_id:
        return _parsed(asserted.name_id)
    told = {value for name in _ADDRESS for value in asserted.attributes.get(name, ())}
    return _parsed(told.pop()) if len(told) == 1 else None


def names_of(asserted: Asserted) -> dict[str, str]:
    """Given and family name, as a user's `name` has them; what is not told is left out."""
    found = {"givenName": _first(asserted, _GIVEN), "familyName": _first(asserted, _FAMILY)}
    return {name: value for name, value in found.items() if value}


def _parsed(text: str) -> tuple[str, Address] | None:
    try:
        return text, parse_address(text)
    except InvalidValue:
        return None


def _first(asserted: Asserted, names: Sequence[str]) -> str:
    values = (value for name in names for value in asserted.attributes.get(name, ()))
    return next((value for value in values if _is_name(value)), "")


def _is_name(value: str) -> bool:
    return 0 < len(value) <= MAX_NAME and hidden_character(value) is None
