"""Responses that are signed as they should be, and say something that may not be believed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lxml import etree
from lxml.etree import _Element as Element

from tests.responses import Response
from tests.responses.provider import (
    ACS,
    ENTITY,
    SAML,
    SAMLP,
    Told,
    assertion_of,
    sent,
    sign,
    signed,
    told,
)

STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"


def _ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


DIFFERENT: dict[str, dict[str, object]] = {
    "another issuer": {"issuer": "https://evil.example.com/metadata"},
    "an issuer with a suffix": {"issuer": "https://idp.example.com/metadata/"},
    "an issuer in capitals": {"issuer": "HTTPS://IDP.EXAMPLE.COM/METADATA"},
    "an empty issuer": {"issuer": ""},
    "no destination": {"destination": None},
    "an empty destination": {"destination": ""},
    "a destination with a suffix": {"destination": ACS + "/more"},
    "a destination with a query": {"destination": ACS + "?to=evil"},
    "a destination at another host": {"destination": "https://scim.example.com.evil.test/saml/c/acs"},
    "a destination of another connection": {"destination": "https://scim.example.com/saml/d/acs"},
    "a destination without TLS": {"destination": "http://scim.example.com/saml/c/acs"},
    "a destination with a user": {"destination": "https://scim.example.com@evil.test/saml/c/acs"},
    "no recipient": {"recipient": None},
    "an empty recipient": {"recipient": ""},
    "a recipient that holds the address": {"recipient": f"https://evil.test/?to={ACS}"},
    "a recipient with a suffix": {"recipient": ACS + "/more"},
    "a recipient of another connection": {"recipient": "https://scim.example.com/saml/d/acs"},
    "no audience": {"audiences": ()},
    "an empty audience": {"audiences": (("",),)},
    "an audience that begins like us": {"audiences": ((ENTITY + "/",),)},
    "another audience": {"audiences": (("https://other.example.com",),)},
    "two restrictions, one for others": {"audiences": ((ENTITY,), ("https://other.example.com",))},
    "a restriction for others, then ours": {"audiences": (("https://other.example.com",), (ENTITY,))},
    "no request": {"request": None},
    "an empty request": {"request": ""},
    "another request": {"request": "_another"},
    "a request in capitals": {"request": "_REQUEST"},
    "a name of nobody": {"name_id": ""},
    "a name of spaces": {"name_id": "   "},
    "a name with a space around": {"name_id": " ada@acme.example"},
    "a name with a line end": {"name_id": "ada@acme.example\n"},
    "a name with a tab": {"name_id": "ada@acme\t.example"},
    "a name of 257 characters": {"name_id": "a" * 257},
    "a name that runs from right to left": {"name_id": "ada\u202e@acme.example"},
    "a name with a space of no width": {"name_id": "ada\u200b@acme.example"},
    "a name with a soft hyphen": {"name_id": "ada\u00ad@acme.example"},
    "a name that is not composed": {"name_id": "ade\u0301@acme.example"},
    "a name for once": {"name_format": TRANSIENT},
    "made an hour ago": {"now": _ago(hours=1)},
    "made a quarter of an hour ago, good for a day": {"now": _ago(minutes=15), "lasts": timedelta(days=1)},
    "made a year ago, good for ever": {"now": _ago(days=365), "lasts": timedelta(days=36500)},
    "made in an hour": {"now": _ago(hours=-1)},
    "over when it was made": {"lasts": timedelta(minutes=-10)},
    "a session that is over": {"session_ends": _ago(minutes=5)},
    "the status of a refusal": {"status": STATUS + "Responder"},
    "the status of a fault": {"status": STATUS + "Requester"},
    "an empty status": {"status": ""},
    "the status that nobody is known": {"status": STATUS + "UnknownPrincipal"},
    "the status of a passive attempt": {"status": STATUS + "NoPassive"},
    "a status that is like success": {"status": STATUS + "success"},
}
"""By what is different from a response that is taken."""


def _found(root: Element, path: str) -> Element:
    found = root.find(path, {"saml": SAML, "samlp": SAMLP})
    assert found is not None
    return found


def _without(path: str, attribute: str) -> Callable[[Element], object]:
    return lambda assertion: _found(assertion, path).attrib.pop(attribute)


def _with(path: str, attribute: str, value: str) -> Callable[[Element], object]:
    return lambda assertion: _found(assertion, path).set(attribute, value)


def _gone(path: str) -> Callable[[Element], object]:
    def remove(assertion: Element) -> None:
        found = _found(assertion, path)
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return remove


def _twice(path: str) -> Callable[[Element], object]:
    def repeat(assertion: Element) -> None:
        found = _found(assertion, path)
        parent = found.getparent()
        assert parent is not None
        again = etree.fromstring(etree.tostring(found))
        again.attrib.pop("ID", None)
        parent.insert(parent.index(found), again)

    return repeat


def _child_in_name(assertion: Element) -> None:
    name = _found(assertion, "saml:Subject/saml:NameID")
    name.text = "ada@acme.example"
    etree.SubElement(name, f"{{{SAML}}}Audience").tail = ".evil.test"


DATA = "saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
PAST, FUTURE = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"

CHANGED: dict[str, Callable[[Element], object]] = {
    "no subject": _gone("saml:Subject"),
    "two subjects": _twice("saml:Subject"),
    "no name": _gone("saml:Subject/saml:NameID"),
    "two names": _twice("saml:Subject/saml:NameID"),
    "a name with an element inside": _child_in_name,
    "a name for another service": _with(
        "saml:Subject/saml:NameID", "SPNameQualifier", "https://other.example"
    ),
    "no confirmation": _gone("saml:Subject/saml:SubjectConfirmation"),
    "a confirmation that says nothing": _gone(DATA),
    "a confirmation for the holder of a key": _with(
        "saml:Subject/saml:SubjectConfirmation", "Method", HOLDER_OF_KEY
    ),
    "a confirmation without an end": _without(DATA, "NotOnOrAfter"),
    "a confirmation that is over": _with(DATA, "NotOnOrAfter", PAST),
    "a confirmation with a beginning": _with(DATA, "NotBefore", PAST),
    "a confirmation of another request": _with(DATA, "InResponseTo", "_another"),
    "a confirmation of no request": _without(DATA, "InResponseTo"),
    "a confirmation that ends at no moment": _with(DATA, "NotOnOrAfter", "soon"),
    "no conditions": _gone("saml:Conditions"),
    "conditions twice": _twice("saml:Conditions"),
    "conditions without an end": _without("saml:Conditions", "NotOnOrAfter"),
    "conditions that are over": _with("saml:Conditions", "NotOnOrAfter", PAST),
    "conditions that begin later": _with("saml:Conditions", "NotBefore", FUTURE),
    "no statement of how": _gone("saml:AuthnStatement"),
    "two statements of how": _twice("saml:AuthnStatement"),
    "proven long ago": _with("saml:AuthnStatement", "AuthnInstant", PAST),
    "proven in the future": _with("saml:AuthnStatement", "AuthnInstant", FUTURE),
    "no issuer": _gone("saml:Issuer"),
    "two issuers": _twice("saml:Issuer"),
    "of another version": lambda assertion: assertion.set("Version", "1.1"),
    "made at no moment": lambda assertion: assertion.set("IssueInstant", "yesterday"),
    "a condition that nobody understands": lambda assertion: etree.SubElement(
        _found(assertion, "saml:Conditions"),
        f"{{{SAML}}}Condition",
        {"{http://www.w3.org/2001/XMLSchema-instance}type": "saml:AudienceRestrictionType"},
    ),
    "an end in a year that nobody reckons with": _with(
        "saml:Conditions", "NotOnOrAfter", "9999-12-31T23:59:59Z"
    ),
    "an unknown element": lambda assertion: etree.SubElement(assertion, "{urn:x}Extra"),
}
"""What is changed in the assertion before it is signed."""

ENVELOPE: dict[str, Callable[[Element], object]] = {
    "a response of another version": lambda response: response.set("Version", "1.1"),
    "a response without an id": lambda response: response.attrib.pop("ID"),
    "a response without a status": _gone("samlp:Status"),
    "a response of another issuer": lambda response: setattr(_found(response, "saml:Issuer"), "text", "x"),
    "a response with two issuers": _twice("saml:Issuer"),
    "a response to another request than its assertion": lambda response: response.set("InResponseTo", "_b"),
    "a response to no request": lambda response: response.attrib.pop("InResponseTo"),
    "a response at another address than its assertion": lambda response: response.set("Destination", "x"),
    "a response without an assertion": _gone("saml:Assertion"),
}
"""What is changed around the assertion, which stays as it was signed."""


def _changed(change: Callable[[Element], object]) -> str:
    response = Told().element()
    change(assertion_of(response))
    sign(assertion_of(response))
    return sent(response)


def _enveloped(change: Callable[[Element], object]) -> str:
    response = signed()
    change(response)
    return sent(response)


def responses() -> dict[str, Response]:
    """All of them."""
    made: dict[str, Response] = {
        name: lambda different=different: sent(signed(told(**different)))
        for name, different in DIFFERENT.items()
    }
    made |= {name: lambda change=change: _changed(change) for name, change in CHANGED.items()}
    made |= {name: lambda change=change: _enveloped(change) for name, change in ENVELOPE.items()}
    return made
