"""Secrets that say whose they are."""

from uuid import uuid4

import pytest

from scimserver.kernel.ids import OrganizationId
from scimserver.kernel.secrets import new_scoped, organization_of


def test_secret_says_whose_it_is():
    organization = OrganizationId(uuid4())
    secret = new_scoped(organization)
    assert organization_of(secret) == organization
    assert len(secret) == 64


def test_secrets_differ():
    organization = OrganizationId(uuid4())
    assert len({new_scoped(organization)[22:] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text", ["", "x" * 63, "x" * 65, "=" * 64, "ä" * 64, "x" * 63 + "\n", "scim_" + "x" * 43]
)
def test_what_is_no_secret_is_nobodys(text: str):
    assert organization_of(text) is None
