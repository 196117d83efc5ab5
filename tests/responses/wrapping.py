"""Responses whose signature is good, but where what is read may not be what is signed.

Signature wrapping: the eight forms of "On Breaking SAML: Be Whoever You Want to Be" (Somorovsky and others,
USENIX Security 2012), and what was found since.
"""

from collections.abc import Callable
from copy import deepcopy

from lxml import etree
from lxml.etree import _Element as Element

from tests.responses import Response
from tests.responses.provider import DS, SAML, SAMLP, Told, assertion_of, sent, sign, signed, told

BOSS = "boss@acme.example"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"


def _evil(assertion: Element, identity: str | None = "_evil") -> Element:
    """A copy of an assertion, not signed, that names somebody else."""
    copy = deepcopy(assertion)
    signature = copy.find(f"{{{DS}}}Signature")
    if signature is not None:
        copy.remove(signature)
    if identity is not None:
        copy.set("ID", identity)
    name = copy.find(f"{{{SAML}}}Subject/{{{SAML}}}NameID")
    assert name is not None
    name.text = BOSS
    return copy


def _signature(assertion: Element) -> Element:
    found = assertion.find(f"{{{DS}}}Signature")
    assert found is not None
    return found


def _element(namespace: str, name: str, *children: Element) -> Element:
    made = etree.Element(f"{{{namespace}}}{name}")
    made.extend(children)
    return made


def _before(response: Element, good: Element) -> None:
    response.insert(response.index(good), _evil(good))


def _after(response: Element, good: Element) -> None:
    response.append(_evil(good))


def _good_in_evil(response: Element, good: Element) -> None:
    evil = _evil(good)
    response.replace(good, evil)
    evil.append(good)


def _evil_in_good(response: Element, good: Element) -> None:
    good.append(_evil(good))


def _good_in_advice(response: Element, good: Element) -> None:
    evil = _evil(good)
    response.replace(good, evil)
    conditions = evil.find(f"{{{SAML}}}Conditions")
    assert conditions is not None
    conditions.addnext(_element(SAML, "Advice", good))


def _with_its_signature(place: Callable[[Element, Element, Element, Element], object]) -> Callable[..., None]:
    """The evil assertion takes the signature; the good one goes to a place."""

    def wrap(response: Element, good: Element) -> None:
        evil, signature = _evil(good), _signature(good)
        good.remove(signature)
        evil.insert(1, signature)
        response.replace(good, evil)
        place(response, evil, signature, good)

    return wrap


def _into_extensions(response: Element, evil: Element, signature: Element, good: Element) -> None:
    response.insert(1, _element(SAMLP, "Extensions", good))


def _into_object(response: Element, evil: Element, signature: Element, good: Element) -> None:
    signature.append(_element(DS, "Object", good))


def _into_key_info(response: Element, evil: Element, signature: Element, good: Element) -> None:
    key = signature.find(f"{{{DS}}}KeyInfo")
    assert key is not None
    key.append(good)


def _into_status(response: Element, evil: Element, signature: Element, good: Element) -> None:
    status = response.find(f"{{{SAMLP}}}Status")
    assert status is not None
    status.append(_element(SAMLP, "StatusDetail", good))


def _into_attribute(response: Element, evil: Element, signature: Element, good: Element) -> None:
    value = evil.find(f".//{{{SAML}}}AttributeValue")
    assert value is not None
    value.append(good)


def _beside(response: Element, evil: Element, signature: Element, good: Element) -> None:
    response.append(good)


def _same_id(response: Element, good: Element) -> None:
    response.insert(response.index(good), _evil(good, identity=None))


def _in_extensions(response: Element, good: Element) -> None:
    """The good one, signature and all, out of the way; the evil one in its place."""
    response.replace(good, _evil(good))
    response.insert(1, _element(SAMLP, "Extensions", good))


def _under_a_wrapper(response: Element, good: Element) -> None:
    response.replace(good, _evil(good))
    response.append(_element("urn:x", "Wrapper", good))


def _of_another_namespace(response: Element, good: Element) -> None:
    evil = _evil(good)
    evil.tag = "{urn:x}Assertion"
    response.insert(response.index(good), evil)


def _twice(response: Element, good: Element) -> None:
    response.append(deepcopy(good))


def _second_is_signed_too(response: Element, good: Element) -> None:
    response.append(assertion_of(signed(told(name_id="grace@acme.example"))))


WRAPPED: dict[str, Callable[[Element, Element], object]] = {
    "another assertion before": _before,
    "another assertion after": _after,
    "the signed assertion in another one": _good_in_evil,
    "another assertion in the signed one": _evil_in_good,
    "the signed assertion as advice": _good_in_advice,
    "the signed assertion in the extensions": _in_extensions,
    "the signed assertion in a wrapper": _under_a_wrapper,
    "another assertion of the same id": _same_id,
    "an assertion of another namespace": _of_another_namespace,
    "the assertion twice": _twice,
    "two signed assertions": _second_is_signed_too,
    "its signature elsewhere, itself in the extensions": _with_its_signature(_into_extensions),
    "its signature elsewhere, itself in an object": _with_its_signature(_into_object),
    "its signature elsewhere, itself in the key": _with_its_signature(_into_key_info),
    "its signature elsewhere, itself in the status": _with_its_signature(_into_status),
    "its signature elsewhere, itself in an attribute": _with_its_signature(_into_attribute),
    "its signature elsewhere, itself beside": _with_its_signature(_beside),
}
"""What is made of a response and its signed assertion."""

IDENTITIES = ("Id", "id", "{urn:x}ID", "{http://www.w3.org/XML/1998/namespace}id")
"""Attributes that somebody takes for an id, beside the one of SAML."""


def _wrapped(change: Callable[[Element, Element], object], *, also_response: bool) -> str:
    response = signed(also_response=also_response)
    change(response, assertion_of(response))
    return sent(response)


def _second_identity(name: str) -> str:
    """The id of the signed assertion again, on another element."""
    response = signed()
    status = response.find(f"{{{SAMLP}}}Status")
    assert status is not None
    status.set(name, str(assertion_of(response).get("ID")))
    return sent(response)


def _response_in_response() -> str:
    """A signed response in the extensions of one that is not, which took its signature."""
    good = sign(Told().element())
    evil = deepcopy(good)
    evil.set("ID", "_evil")
    name = evil.find(f".//{{{SAML}}}NameID")
    assert name is not None
    name.text = BOSS
    evil.insert(1, _element(SAMLP, "Extensions", good))
    return sent(evil)


def _other_document(name: str, namespace: str) -> Element:
    """Another document of the identity provider, signed with the same key."""
    made = etree.Element(f"{{{namespace}}}{name}", {"ID": "_other", "entityID": "https://idp.example.com"})
    etree.SubElement(made, f"{{{SAML}}}Issuer").text = "https://idp.example.com/metadata"
    return sign(made)


def _other_document_inside(name: str, namespace: str) -> str:
    """A response of somebody's own, with such a document's signature for its assertion's."""
    other = _other_document(name, namespace)
    response = Told().element()
    evil = assertion_of(response)
    evil.set("ID", "_other")
    signature = _signature(other)
    other.remove(signature)
    evil.insert(1, signature)
    response.insert(1, _element(SAMLP, "Extensions", other))
    return sent(response)


OTHERS = {
    "metadata": ("EntityDescriptor", METADATA),
    "a request to sign out": ("LogoutRequest", SAMLP),
    "an answer to signing out": ("LogoutResponse", SAMLP),
    "a request to sign in": ("AuthnRequest", SAMLP),
}


def responses() -> dict[str, Response]:
    """All of them."""
    made: dict[str, Response] = {}
    for name, change in WRAPPED.items():
        made[name] = lambda change=change: _wrapped(change, also_response=False)
        made[f"{name}, the response signed"] = lambda change=change: _wrapped(change, also_response=True)
    for name in IDENTITIES:
        made[f"a second {name}"] = lambda name=name: _second_identity(name)
    for what, (name, namespace) in OTHERS.items():
        made[f"{what} instead"] = lambda name=name, namespace=namespace: sent(
            _other_document(name, namespace)
        )
        made[f"a signature of {what}"] = lambda name=name, namespace=namespace: _other_document_inside(
            name, namespace
        )
    made["a response in a response"] = _response_in_response
    return made
