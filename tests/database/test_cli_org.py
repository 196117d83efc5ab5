"""`scimserver org`: organisations are made, shown and changed, and the log says so."""

from typing import Any

import pytest

from tests.commands import Commands

DEFAULTS = {
    "addresses": "required",
    "timezone": "UTC",
    "passwordProfile": "default",
    "supportContact": "",
    "mustChangeLocked": False,
    "deactivation": "keep_cases",
    "passwordPush": "refuse",
}


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    assert set(names) <= document.keys()
    return {name: value for name, value in document.items() if name not in names}


def test_org_create_makes_an_organisation(commands: Commands):
    made = commands.json("org", "create", "acme", "--title", "Acme Inc.")
    assert without(made, "id", "created") == {**DEFAULTS, "name": "acme", "title": "Acme Inc.", "domains": []}
    assert commands.json("org", "list") == [without(made, "domains")]


def test_org_create_takes_the_name_for_a_title(commands: Commands):
    assert commands.json("org", "create", "acme")["title"] == "acme"


def test_org_create_adds_domains_with_it(commands: Commands):
    made = commands.json("org", "create", "acme", "--domain", "acme.example", "--domain", "Bücher.example")
    assert made["domains"] == ["acme.example", "xn--bcher-kva.example"]
    assert commands.json("org", "show", "acme")["domains"] == made["domains"]


def test_org_create_takes_addresses_and_time_zone(commands: Commands):
    made = commands.json("org", "create", "acme", "--addresses", "free", "--timezone", "Europe/Berlin")
    assert (made["addresses"], made["timezone"]) == ("free", "Europe/Berlin")


@pytest.mark.parametrize(
    "arguments,why",
    [
        (("Acme!",), "cannot name an organisation"),
        (("acme", "--timezone", "Berlin"), "not a time zone"),
        (("acme", "--domain", "localhost"), "only one part"),
    ],
)
def test_org_create_makes_nothing_of_what_is_malformed(
    commands: Commands, arguments: tuple[str, ...], why: str
):
    assert why in commands.refused("org", "create", *arguments)
    assert commands.json("org", "list") == []


def test_org_create_refuses_a_name_twice(acme: Commands):
    assert acme.refused("org", "create", "acme") == 'There is an organisation called "acme" already.\n'


def test_org_create_says_so_when_only_the_domains_were_refused(acme: Commands):
    said = acme.refused("org", "create", "other", "--domain", "other.example", "--domain", "acme.example")
    assert said.startswith('The organisation "other" was made, without domains: "acme.example" overlaps')
    assert acme.json("org", "show", "other")["domains"] == []


def test_org_create_is_logged_with_the_installation(commands: Commands):
    made = commands.json("org", "create", "acme")
    [entry] = commands.log()
    assert (entry["event"], entry["outcome"], entry["target"]["id"]) == (
        "organization.create",
        "success",
        made["id"],
    )
    assert (entry["actor"]["kind"], entry["request"]["method"]) == ("operator", "CLI")


def test_org_create_is_logged_when_it_is_refused(commands: Commands):
    commands.refused("org", "create", "Acme!")
    [entry] = commands.log()
    assert (entry["event"], entry["outcome"], entry["reason"]) == (
        "organization.create",
        "failure",
        "invalid_value",
    )
    assert (entry["personal"]["target.display"], "Acme!" in entry["personal"]["detail"]) == ("Acme!", True)


def test_org_list_says_what_to_do_when_there_is_none(commands: Commands):
    assert commands.done("org", "list") == (
        "There is no organisation yet: make one with `scimserver org create`.\n"
    )


def test_org_list_is_a_table_by_name(commands: Commands):
    for name in ("zeta", "acme"):
        commands.done("org", "create", name)
    table = commands.done("org", "list")
    assert 0 < table.index("acme") < table.index("zeta")


def test_org_list_lets_no_control_character_through(commands: Commands):
    commands.done("org", "create", "acme", "--title", "\x1b]0;owned\x07[red]x[/red]")
    printed = commands.done("org", "list") + commands.done("org", "show", "acme")
    assert ("\x1b" in printed, "\x07" in printed) == (False, False)
    assert "�]0;owned�[red]x[/red]" in printed


def test_org_show_refuses_an_unknown_name(commands: Commands):
    assert 'no organisation called "none"' in commands.refused("org", "show", "none")


def test_org_update_changes_what_is_given_and_leaves_the_rest(commands: Commands):
    made = commands.json("org", "create", "acme", "--title", "Acme Inc.")
    changed = commands.json("org", "update", "acme", "--addresses", "free")
    assert changed == {**without(made, "domains"), "addresses": "free"}
    assert commands.json("org", "list") == [changed]


def test_org_update_says_what_becomes_of_cases(commands: Commands):
    made = commands.json("org", "create", "acme", "--deactivation", "unassign_cases")
    assert made["deactivation"] == "unassign_cases"
    changed = commands.json("org", "update", "acme", "--deactivation", "keep_cases")
    assert changed == without({**made, "deactivation": "keep_cases"}, "domains")
    [entry] = [each for each in commands.log("acme") if each["event"] == "organization.update"]
    assert [change["path"] for change in entry["changes"]] == ["deactivation"]


def test_org_update_is_logged_in_the_organisation_with_old_and_new(commands: Commands):
    commands.done("org", "create", "acme")
    commands.done("org", "update", "acme", "--timezone", "Asia/Tokyo", "--title", "acme")
    [entry] = commands.log("acme")
    assert [change["path"] for change in entry["changes"]] == ["timezone"]
    assert (entry["personal"]["changes.0.old"], entry["personal"]["changes.0.new"]) == ("UTC", "Asia/Tokyo")


def test_org_update_is_logged_when_it_is_refused(commands: Commands):
    commands.done("org", "create", "acme")
    commands.refused("org", "update", "acme", "--timezone", "Mars")
    assert [(entry["event"], entry["outcome"]) for entry in commands.log("acme")] == [
        ("organization.update", "failure")
    ]


def test_org_update_without_a_change_is_wrong_usage(acme: Commands):
    assert "Say what to change" in acme.refused("org", "update", "acme", code=2)
