"""`scimserver connection`: how identity providers are treated."""

from typing import Any

import pytest

from tests.commands import Commands

TREATMENT = ("dialect", "strict", "passwords", "revive")


def treatment(connection: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(connection[name] for name in TREATMENT)


def only(commands: Commands) -> dict[str, Any]:
    [connection] = commands.json("connection", "list", "acme")
    return connection


def test_connection_create_is_tolerant_and_ignores_passwords(commands: Commands):
    commands.done("org", "create", "acme")
    made = commands.json("connection", "create", "acme", "Any")
    assert (made["name"], *treatment(made)) == ("Any", "generic", False, "ignore", False)
    assert only(commands) == made


def test_connection_create_takes_every_treatment(commands: Commands):
    commands.done("org", "create", "acme")
    options = ("--dialect", "entra", "--strict", "--passwords", "accept", "--revive")
    commands.done("connection", "create", "acme", "Entra", *options)
    assert treatment(only(commands)) == ("entra", True, "accept", True)


def test_connection_create_refuses_a_name_twice(acme: Commands):
    assert 'a connection called "Okta" already' in acme.refused("connection", "create", "acme", "Okta")


def test_connection_create_refuses_a_name_that_a_terminal_would_obey(acme: Commands):
    assert "needs a name" in acme.refused("connection", "create", "acme", "\x1b[2J")


def test_connection_list_is_a_table(acme: Commands):
    printed = acme.done("connection", "list", "acme")
    assert [word in printed for word in ("Okta", "okta", "ignore", "last call")] == [True] * 4


@pytest.mark.parametrize(
    "options,changed",
    [
        (("--strict",), ("okta", True, "ignore", False)),
        (("--revive",), ("okta", False, "ignore", True)),
        (("--passwords", "accept"), ("okta", False, "accept", False)),
        (("--dialect", "generic"), ("generic", False, "ignore", False)),
    ],
)
def test_connection_update_changes_what_is_given(
    acme: Commands, options: tuple[str, ...], changed: tuple[Any, ...]
):
    assert treatment(acme.json("connection", "update", "acme", "Okta", *options)) == changed
    assert treatment(only(acme)) == changed


@pytest.mark.parametrize("name", ["strict", "revive"])
def test_connection_update_takes_a_treatment_back(acme: Commands, name: str):
    acme.done("connection", "update", "acme", "Okta", f"--{name}")
    acme.done("connection", "update", "acme", "Okta", f"--no-{name}")
    assert only(acme)[name] is False


def test_connection_update_is_logged_with_old_and_new(acme: Commands):
    acme.done("connection", "update", "acme", "Okta", "--strict")
    [entry] = acme.log("acme", "--event", "connection.update")
    assert [change["path"] for change in entry["changes"]] == ["strict"]
    assert (entry["personal"]["changes.0.old"], entry["personal"]["changes.0.new"]) == (False, True)


def test_connection_update_is_logged_when_it_is_refused(acme: Commands):
    assert "no connection" in acme.refused("connection", "update", "acme", "None", "--strict")
    [entry] = acme.log("acme", "--event", "connection.update")
    assert (entry["outcome"], entry["reason"], entry["personal"]["target.display"]) == (
        "failure",
        "not_found",
        "None",
    )


def test_connection_update_without_a_change_is_wrong_usage(acme: Commands):
    assert "Say what to change" in acme.refused("connection", "update", "acme", "Okta", code=2)
