"""Problem Details: the answers of the face for programs, by what was refused."""

from dataclasses import replace

import orjson

from scimserver.kernel.errors import PasswordManagedElsewhere
from scimserver.kernel.providers import IdentityProvider
from scimserver.product.problems import problem_of
from tests.providers import OKTA


def told(provider: IdentityProvider) -> dict[str, object]:
    problem = problem_of(PasswordManagedElsewhere(provider))
    assert problem is not None
    response = problem.response()
    assert (response.status, response.content_type) == (409, "application/problem+json")
    assert isinstance(response.body, bytes)
    return orjson.loads(response.body)


def test_password_that_is_managed_elsewhere_is_a_conflict_that_says_by_whom():
    said = told(replace(OKTA, reset_uri="https://acme.okta.example/settings", contact="it@acme.example"))
    assert said == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "This user's password is managed by the identity provider 'Okta' (acme.okta.example)."
        " Reset it there, or ask it@acme.example.",
        "reason": "password_managed_by_identity_provider",
        "managedBy": "identityProvider",
        "identityProvider": {"value": str(OKTA.id), "display": "Okta"},
        "resetUri": "https://acme.okta.example/settings",
        "contact": "it@acme.example",
    }


def test_conflict_leaves_out_what_nobody_set():
    assert not told(OKTA).keys() & {"resetUri", "contact"}
