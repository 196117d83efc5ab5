"""What an assertion says, read from the one element that its signature covers.

Proven by tests/unit/test_saml_hostile.py.
"""

from datetime import UTC, datetime
from typing import Any, Final

from scimserver.access.saml.asserted import Asserted, Confirmation
from scimserver.access.saml.refusal import ResponseRefused, Why

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9000
"""Beyond, adding some minutes would not be a moment any more."""

NAMES: Final = {
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
}
_BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"


def asserted(assertion: Any, response: Any) -> Asserted:
    """What the assertion of a response says. Raises `ResponseRefused`."""
    if assertion.get("Version") != "2.0":
        raise ResponseRefused(Why.SCHEMA, "The assertion is of another version.")
    [subject] = _all(assertion, "saml:Subject") or [None]
    names = _all(assertion, "saml:Subject/saml:NameID")
    if subject is None or len(names) != 1 or len(names[0]):
        raise ResponseRefused(Why.SUBJECT, "The assertion does not name exactly one subject.")
    [conditions] = _all(assertion, "saml:Conditions")
    if _all(conditions, "saml:Condition"):
        raise ResponseRefused(Why.AUDIENCE, "The assertion has a condition that nobody here understands.")
    [statement] = _all(assertion, "saml:AuthnStatement")
    return Asserted(
        id=assertion.get("ID"),
        issuer=_text(_all(assertion, "saml:Issuer")[0]),
        name_id=_text(names[0]),
        name_id_format=names[0].get("Format"),
        issued=_required_moment(assertion, "IssueInstant"),
        confirmations=tuple(map(_confirmation, _bearers(assertion))),
        not_before=_moment(conditions, "NotBefore"),
        not_on_or_after=_moment(conditions, "NotOnOrAfter"),
        audiences=tuple(
            frozenset(_text(audience) for audience in _all(restriction, "saml:Audience"))
            for restriction in _all(conditions, "saml:AudienceRestriction")
        ),
        authenticated=_required_moment(statement, "AuthnInstant"),
        session_ends=_moment(statement, "SessionNotOnOrAfter"),
        attributes=_attributes(assertion),
        destination=response.get("Destination"),
        in_response_to=response.get("InResponseTo"),
    )


def _bearers(assertion: Any) -> list[Any]:
    path = f"saml:Subject/saml:SubjectConfirmation[@Method='{_BEARER}']/saml:SubjectConfirmationData"
    return _all(assertion, path)


def _confirmation(data: Any) -> Confirmation:
    return Confirmation(
        recipient=data.get("Recipient"),
        not_before=_moment(data, "NotBefore"),
        not_on_or_after=_moment(data, "NotOnOrAfter"),
        in_response_to=data.get("InResponseTo"),
    )


def _attributes(assertion: Any) -> dict[str, tuple[str, ...]]:
    attributes: dict[str, tuple[str, ...]] = {}
    for attribute in _all(assertion, "saml:AttributeStatement/saml:Attribute"):
        # A value with elements inside is no text: part of it must not be taken for all.
        nodes = (value for value in _all(attribute, "saml:AttributeValue") if not len(value))
        values = tuple(_text(value).strip() for value in nodes)
        name = attribute.get("Name") or ""
        attributes[name] = attributes.get(name, ()) + values
    return attributes


def _all(node: Any, path: str) -> list[Any]:
    return node.xpath(path, namespaces=NAMES)


def _text(node: Any) -> str:
    return node.text or ""


def _required_moment(node: Any, name: str) -> datetime:
    moment = _moment(node, name)
    if moment is None:
        raise ResponseRefused(Why.TIME, f"{name} is missing.")
    return moment


def _moment(node: Any, name: str) -> datetime | None:
    text = node.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ResponseRefused(Why.TIME, f"{name} is no moment.") from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ResponseRefused(Why.TIME, f"{name} is in no year that anybody reckons with.")
    # SAML 2.0 Core, section 1.3.3: in UTC, whether it says so or not.
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
