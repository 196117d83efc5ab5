"""SAML responses that nobody may be let in by: none passes, whatever is wrong with it."""

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scimserver.access.saml import verify
from scimserver.access.saml.asserted import Asserted
from scimserver.access.saml.checks import Expected
from scimserver.access.saml.guard import Guarded, guard
from scimserver.access.saml.judge import judge
from scimserver.access.saml.metadata import MAX_CERTIFICATES
from scimserver.access.saml.refusal import ResponseRefused, Why
from scimserver.access.saml.trust import Trust
from tests.responses import Response, signing, wrapping
from tests.responses.costly import nested
from tests.responses.hostile import HOSTILE
from tests.responses.provider import ACS, ENTITY, ENVELOPED, EXCLUSIVE, IDP, SSO, sent, signed, signer

EXPECTED = Expected(
    entity_id=ENTITY,
    acs_url=ACS,
    idp_entity_id=IDP,
    request="_request",
    authenticated_within=timedelta(hours=12),
)
TRUST = Trust(
    entity_id=ENTITY,
    acs_url=ACS,
    idp_entity_id=IDP,
    sso_url=SSO,
    certificates=(signer("old").certificate, signer().certificate),
)


def judged(response: Guarded, trust: Trust = TRUST) -> Asserted:
    judgement = judge(response, trust, EXPECTED, datetime.now(UTC))
    if judgement.refusal is not None:
        raise judgement.refusal
    assert judgement.asserted is not None
    return judgement.asserted


def seconds_to_refuse(judge: Callable[[], object]) -> float:
    """What a refusal takes of the processor, in the quickest of three: the collector may go round in one."""
    taken: list[float] = []
    for _ in range(3):
        began = time.thread_time()
        with pytest.raises(ResponseRefused):
            judge()
        taken.append(time.thread_time() - began)
    return min(taken)


def test_there_are_many_of_them():
    assert len(HOSTILE) >= 150


@pytest.mark.parametrize("response", HOSTILE.values(), ids=HOSTILE)
def test_response_is_refused(response: Response):
    sent_text = response()
    # A transform that runs before the signature is looked at would take seconds.
    assert seconds_to_refuse(lambda: judged(guard(sent_text))) < 0.2


def _everybody_s(_: object, certificates: Sequence[str]) -> Sequence[str]:
    """As if the value of each signature were by each key."""
    return certificates


ALLOWED = [
    "costly: as deep, with as many namespaces and prefixes as there may be",
    "costly: as many attributes, in namespaces with names as long, as there may be",
    "costly: prefixes that are as long as they may be",
]
"""What the guard lets pass: an honest response might come near."""


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_signed_is_not_looked_at_for_who_has_no_key(name: str):
    """However many keys there are to be tried."""
    response = guard(HOSTILE[name]())
    trust = replace(TRUST, certificates=(signer("old").certificate,) * MAX_CERTIFICATES)
    assert seconds_to_refuse(lambda: judged(response, trust)) < 0.05


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_signed_is_looked_at_in_no_time_where_the_key_fits(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    response = guard(HOSTILE[name]())
    monkeypatch.setattr(verify, "_signers", _everybody_s)
    assert seconds_to_refuse(lambda: judged(response)) < 0.2


def test_nothing_that_is_sent_stands_among_the_lines_of_the_server(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """A second transform would read what the first one wrote, and its parser prints what it does not like.

    Also where the key fits: else nothing is transformed.
    """
    monkeypatch.setattr(verify, "_signers", _everybody_s)
    forged = '{"event":"session.sign_in","level":"critical"}'
    for transforms in ((ENVELOPED, EXCLUSIVE), (EXCLUSIVE, EXCLUSIVE), (EXCLUSIVE, ENVELOPED)):
        inside = f'\n{forged}<r:x xmlns:r="no-address"/>'
        with pytest.raises(ResponseRefused):
            judged(guard(nested(1, 1, transforms=transforms, inside=inside)))
    assert capfd.readouterr() == ("", "")


def test_list_of_prefixes_as_identity_providers_write_it_is_taken():
    with pytest.raises(ResponseRefused) as refused:
        judged(guard(nested(1, 1, "code ds kind rw saml samlp typens #default xsd xsi")))
    assert refused.value.why is Why.SIGNATURE


@pytest.mark.parametrize("also_response", [False, True])
def test_response_as_it_should_be_is_taken(also_response: bool):
    assert judged(guard(sent(signed(also_response=also_response)))).name_id == "ada@acme.example"


def test_response_signed_with_another_of_the_keys_is_taken():
    assert judged(guard(sent(signed(by=signer("old"))))).name_id == "ada@acme.example"


@pytest.mark.parametrize(
    "name,why",
    [
        ("wrapping: another assertion of the same id", Why.DUPLICATE_ID),
        ("wrapping: a second Id", Why.DUPLICATE_ID),
        ("wrapping: the signed assertion in the extensions", Why.SCHEMA),
        ("signing: an encrypted part", Why.ALGORITHM),
        ("signing: transformed by XPath", Why.ALGORITHM),
        ("signing: signed with SHA-1", Why.ALGORITHM),
        ("signing: five hundred transforms", Why.ALGORITHM),
        ("signing: a thousand prefixes", Why.ALGORITHM),
        ("signing: two references", Why.SIGNATURE),
        ("signing: an object in the signature", Why.FORBIDDEN_XML),
        ("spelling: a document type in small letters", Why.FORBIDDEN_XML),
        ("spelling: a comment in the name", Why.FORBIDDEN_XML),
        ("spelling: an instruction before", Why.FORBIDDEN_XML),
        ("spelling: a namespace that each element carries", Why.MALFORMED),
        ("spelling: a namespace in pieces", Why.MALFORMED),
        ("spelling: a mark of byte order", Why.MALFORMED),
        ("spelling: calls itself UTF-7", Why.MALFORMED),
        ("costly: deep", Why.MALFORMED),
        ("costly: deep, with namespaces", Why.MALFORMED),
        ("costly: deeper than any, with prefixes", Why.MALFORMED),
        ("costly: many namespaces in one place", Why.MALFORMED),
        ("costly: some more namespaces than any", Why.MALFORMED),
        ("costly: some more prefixes than any", Why.ALGORITHM),
        ("costly: put in canonical form twice", Why.ALGORITHM),
        ("costly: many attributes, in namespaces with long names", Why.MALFORMED),
        ("costly: namespaces with long names", Why.MALFORMED),
        ("costly: more attributes than any", Why.MALFORMED),
        ("costly: long prefixes", Why.MALFORMED),
    ],
)
def test_guard_alone_refuses(name: str, why: Why):
    with pytest.raises(ResponseRefused) as refused:
        guard(HOSTILE[name]())
    assert refused.value.why is why


HARMLESS = {"an object in the signature", "a key that is to be fetched"}
"""Nothing looks at them: the guard refuses them because no honest response has them."""

UNGUARDED = {
    name: make
    for source in (signing, wrapping)
    for name, make in source.responses().items()
    if name not in HARMLESS
}


@pytest.mark.parametrize("response", UNGUARDED.values(), ids=UNGUARDED)
def test_response_is_refused_without_the_guard_too(response: Response):
    """One wall behind another: what the guard sees in the text, verifying the signature does not take."""
    xml = base64.b64decode(response())
    assert seconds_to_refuse(lambda: judged(Guarded(xml=xml, in_response_to=None))) < 1
