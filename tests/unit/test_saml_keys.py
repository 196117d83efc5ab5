"""Our own keys for identity providers: sealed for one row, listed while somebody may need them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from scimserver.directory.saml import Key, Role, Safe, listed, parse_certificate, place_of
from scimserver.directory.saml.keys import new_pair
from scimserver.kernel.ids import OrganizationId, SamlConnectionId, SamlKeyId
from tests.responses.provider import signer

ORGANIZATION, CONNECTION = OrganizationId(UUID(int=1)), SamlConnectionId(UUID(int=2))
KEY = SamlKeyId(UUID(int=3))
PLACE = place_of(ORGANIZATION, CONNECTION, KEY)


def test_private_key_is_opened_where_it_was_sealed():
    safe = Safe(b"secret")
    sealed = safe.close("-----BEGIN PRIVATE KEY-----\n", PLACE)
    assert safe.open(sealed, PLACE) == "-----BEGIN PRIVATE KEY-----\n"
    assert b"PRIVATE" not in sealed


@pytest.mark.parametrize(
    "place",
    [
        place_of(OrganizationId(UUID(int=9)), CONNECTION, KEY),
        place_of(ORGANIZATION, SamlConnectionId(UUID(int=9)), KEY),
        place_of(ORGANIZATION, CONNECTION, SamlKeyId(UUID(int=9))),
    ],
    ids=["organisation", "connection", "key"],
)
def test_private_key_is_opened_nowhere_else(place: bytes):
    safe = Safe(b"secret")
    sealed = safe.close("key", PLACE)
    assert safe.open(sealed, place) is None
    assert Safe(b"another").open(sealed, PLACE) is None


def test_certificate_that_is_over_is_listed_only_while_its_key_signs():
    read = parse_certificate(signer().certificate)
    keys = tuple(
        Key(id=KEY, role=role, certificate=read, sealed=b"", created=datetime.now(UTC)) for role in Role
    )
    over = read.not_after + timedelta(seconds=1)
    assert len(listed(keys, over - timedelta(days=1))) == 3
    assert listed(keys, over) == (read,)
    assert listed(tuple(replace(key, role=Role.NEXT) for key in keys), over) == ()


def test_private_key_is_in_no_text_of_a_key():
    key = Key(
        id=KEY,
        role=Role.CURRENT,
        certificate=parse_certificate(signer().certificate),
        sealed=b"sealed",
        created=datetime.now(UTC),
    )
    assert "sealed" not in repr(key)


def test_private_key_is_in_no_text_of_a_pair():
    pair = new_pair(SamlConnectionId(UUID(int=1)), datetime.now(UTC))
    assert pair.private.splitlines()[1] not in f"{pair} {pair!r} {[pair]}"
    assert pair.certificate.sha256 in repr(pair)
