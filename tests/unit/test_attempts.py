"""What a refused request was about, told from its method and path, and what the log keeps of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from scim2_models import InvalidFilterException, InvalidSyntaxException, NotFoundException, SCIMException

from scimserver.kernel.actor import NOBODY, Origin
from scimserver.kernel.errors import AlreadyTaken, DomainNotAllowed
from scimserver.kernel.facts import Change, Outcome
from scimserver.scim.attempts import Attempt, attempt_of, refusal, route_of
from scimserver.scim.errors import reason_of, scim_error
from scimserver.work import Trace

USER = UUID("0190b4f0-0000-7000-8000-000000000000")
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "method,path,event,kind,target",
    [
        ("POST", "/Users", "user.create", "User", None),
        ("POST", "/users/", "user.create", "User", None),
        ("PUT", f"/Users/{USER}", "user.update", "User", USER),
        ("PATCH", f"/Users/{USER}", "user.update", "User", USER),
        ("DELETE", f"/Users/{USER}", "user.delete", "User", USER),
        ("DELETE", "/Users/nobody", "user.delete", "User", None),
        ("DELETE", "/Users", "user.delete", "User", None),
        ("POST", "/Groups", "group.create", "Group", None),
        ("PATCH", f"/GROUPS/{USER}", "group.update", "Group", USER),
        ("POST", "/Cases", "case.create", "Case", None),
        ("DELETE", f"/Cases/{USER}", "case.delete", "Case", USER),
        ("POST", "/Bulk", "request.refuse", None, None),
        ("POST", "/Me", "request.refuse", None, None),
        ("POST", "", "request.refuse", None, None),
        ("PUT", "/Nothing/1", "request.refuse", None, None),
        ("PUT", f"/Users/{USER}/more", "request.refuse", None, None),
    ],
)
def test_attempt_is_told_from_method_and_path(
    method: str, path: str, event: str, kind: str | None, target: UUID | None
):
    assert attempt_of(method, path) == Attempt(event=event, kind=kind, target=target)  # pyright: ignore[reportArgumentType] - a StrEnum equals its text


@pytest.mark.parametrize(
    "method,path",
    [
        ("GET", "/Users"),
        ("HEAD", "/Users"),
        ("OPTIONS", "/"),
        ("POST", "/.search"),
        ("POST", "/Users/.search"),
    ],
)
def test_reading_is_no_attempt(method: str, path: str):
    assert attempt_of(method, path) is None


@pytest.mark.parametrize(
    "path,route",
    [
        ("", "/"),
        ("/", "/"),
        ("/Users", "/Users"),
        ("/uSERS", "/Users"),
        (f"/Users/{USER}", "/Users/{id}"),
        ("/Groups/anna@example.com", "/Groups/{id}"),
        ("/cases/anna", "/Cases/{id}"),
        ("/Users/.search", "/Users/.search"),
        ("/.search", "/.search"),
        ("/Schemas/urn:x", "/Schemas/{id}"),
        ("/serviceproviderconfig", "/ServiceProviderConfig"),
        ("/anna@example.com", "/{unknown}"),
        ("/anna@example.com/1", "/{unknown}/{id}"),
        ("/Groups/a/b", "/{unknown}"),
    ],
)
def test_route_holds_no_identifier(path: str, route: str):
    assert route_of(path) == route


@pytest.mark.parametrize(
    "failure,reason",
    [
        (AlreadyTaken("x"), "already_taken"),
        (DomainNotAllowed("x"), "domain_not_allowed"),
        (InvalidFilterException(), "invalid_filter"),
        (InvalidSyntaxException(), "invalid_syntax"),
        (NotFoundException(), "http_404"),
        (RuntimeError("x"), "internal_error"),
    ],
)
def test_reason_is_one_word_of_one_vocabulary(failure: Exception, reason: str):
    assert reason_of(failure, scim_error(failure)) == reason


def entry(failure: Exception, **more: Any) -> Any:
    """The log entry of a failed creation."""
    attempt = attempt_of("POST", "/Users")
    assert attempt is not None
    origin = Origin(request_id="r")
    error: SCIMException | None = scim_error(failure)
    return refusal(
        attempt, failure, error, actor=NOBODY, origin=origin, now=NOW, **{"trace": Trace(), **more}
    )


def test_refusal_keeps_what_would_have_changed_and_why_not():
    failure = AlreadyTaken("Taken.")
    failure.attempted, failure.display = (Change(path="title", new="Lead"),), "anna@example.com"
    kept = entry(failure)
    assert (kept.outcome, kept.status, kept.detail) == (Outcome.FAILURE, 409, "Taken.")
    assert (kept.changes, kept.display) == (failure.attempted, failure.display)


def test_refusal_of_our_own_fault_says_nothing_of_it():
    kept = entry(RuntimeError("a secret"))
    assert (kept.status, kept.detail, kept.reason) == (500, "", "internal_error")


def test_refusal_keeps_the_steps_and_the_time():
    trace = Trace()
    with trace.step("authenticate"):
        pass
    kept = entry(AlreadyTaken("Taken."), trace=trace)
    assert [step.name for step in kept.steps] == ["authenticate"]
    assert kept.microseconds >= 0


@pytest.mark.parametrize(
    "method,path", [("DELETE", "/Users/.search"), ("PUT", "/.search"), ("POST", "/Users/1/.search")]
)
def test_attempt_beside_the_searches_is_one(method: str, path: str):
    assert attempt_of(method, path) is not None
