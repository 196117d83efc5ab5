"""`scimserver saml`: connections made from metadata, changed, and taken into use."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.commands import Commands
from tests.metadata import key, metadata
from tests.responses.provider import signer


async def execute(dsn: str, statement: str, *arguments: object) -> None:
    """Change rows past all rules."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement, *arguments)
    await connection.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Metadata in a file."""
    path = tmp_path / "metadata.xml"
    path.write_text(metadata(), encoding="utf-8")
    return path


@pytest.fixture
def okta(acme: Commands, file: Path) -> Commands:
    """Commands where `acme` has a SAML connection called `Okta`."""
    acme.done("saml", "create", "acme", "Okta", "--metadata", str(file))
    return acme


def test_create_makes_a_draft_of_what_the_metadata_says(okta: Commands):
    shown = okta.json("saml", "show", "acme", "Okta")
    assert (shown["state"], shown["entityId"], shown["ssoUrl"]) == (
        "draft",
        "https://idp.example.com",
        "https://idp.example.com/sso",
    )
    assert [each["subject"] for each in shown["certificates"]] == ["CN=idp"]
    [entry] = [each for each in okta.log("acme") if each["event"] == "saml_connection.create"]
    assert entry["outcome"] == "success"
    assert "BEGIN CERTIFICATE" not in str(entry)


def test_create_says_what_the_identity_provider_has_to_know(okta: Commands, monkeypatch: pytest.MonkeyPatch):
    assert "ourAcsUrl" not in okta.json("saml", "show", "acme", "Okta")
    monkeypatch.setenv("SCIMSERVER_PUBLIC_URL", "https://id.example.com")
    shown = okta.json("saml", "show", "acme", "Okta")
    assert shown["ourAcsUrl"].startswith("https://id.example.com/saml/")
    assert shown["ourAcsUrl"].endswith("/acs")
    assert shown["ourEntityId"] in okta.done("saml", "show", "acme", "Okta")


@pytest.mark.parametrize(
    "text,said",
    [
        ("hello", "no well-formed XML"),
        ("<!DOCTYPE a><a/>", "document type"),
        (metadata(keys=""), "no certificate"),
        (metadata(location="http://idp.example.com/"), "no address to send people to"),
    ],
)
def test_create_refuses_metadata_that_cannot_be_used(acme: Commands, file: Path, text: str, said: str):
    file.write_text(text, encoding="utf-8")
    assert said in acme.refused("saml", "create", "acme", "Okta", "--metadata", str(file))
    assert acme.json("saml", "list", "acme") == []
    [entry] = [each for each in acme.log("acme") if each["event"] == "saml_connection.create"]
    assert (entry["outcome"], entry["reason"]) == ("failure", "invalid_value")


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/metadata", "https://localhost/", "https://169.254.169.254/"]
)
def test_create_fetches_nothing_from_a_private_network(acme: Commands, url: str):
    said = acme.refused("saml", "create", "acme", "Okta", "--metadata-url", url)
    assert "not on the public network" in said
    assert acme.json("saml", "list", "acme") == []


def test_create_takes_one_source_of_metadata(acme: Commands, file: Path):
    assert "--metadata" in acme.refused("saml", "create", "acme", "Okta", code=2)
    both = ("--metadata", str(file), "--metadata-url", "https://idp.example.com/")
    assert "--metadata" in acme.refused("saml", "create", "acme", "Okta", *both, code=2)


def test_name_is_one_connection_s_in_an_organisation(okta: Commands, file: Path):
    file.write_text(metadata(entity_id="https://other.example.com"), encoding="utf-8")
    said = okta.refused("saml", "create", "acme", "Okta", "--metadata", str(file))
    assert "of that name already" in said


def test_entity_id_is_one_connection_s_in_an_organisation(okta: Commands, file: Path):
    assert "entity id" in okta.refused("saml", "create", "acme", "Other", "--metadata", str(file))
    okta.done("org", "create", "beta", "--domain", "beta.example")
    okta.done("saml", "create", "beta", "Okta", "--metadata", str(file))


def test_refresh_shows_what_changes_and_asks(okta: Commands, file: Path):
    keys = key(signer().certificate) + key(signer("next").certificate)
    file.write_text(metadata(keys=keys), encoding="utf-8")
    command = ("saml", "refresh", "acme", "Okta", "--metadata", str(file))
    declined = okta(*command, answer="n\n")
    assert declined.exit_code == 1
    assert "certificates:" in declined.stderr
    assert len(okta.json("saml", "show", "acme", "Okta")["certificates"]) == 1
    okta(*command, answer="y\n")
    assert len(okta.json("saml", "show", "acme", "Okta")["certificates"]) == 2


def test_refresh_that_changes_nothing_does_not_ask(okta: Commands, file: Path):
    assert okta.done("saml", "refresh", "acme", "Okta", "--metadata", str(file)) == "Nothing has changed.\n"
    assert okta.log("acme")[-1]["outcome"] == "noop"


def test_difference_that_was_seen_is_shown_until_metadata_is_read(okta: Commands, file: Path):
    assert okta.json("saml", "show", "acme", "Okta")["metadataPending"] == []
    statement = "UPDATE saml_connections SET metadata_failure = 'It answered 500.', metadata_pending = $1"
    asyncio.run(execute(okta.dsn, statement, '[["ssoUrl","https://a.example/","https://b.example/"]]'))
    [listed] = okta.json("saml", "list", "acme")
    assert listed["metadataPending"] == [
        {"path": "ssoUrl", "old": "https://a.example/", "new": "https://b.example/"}
    ]
    assert listed["metadataFailure"] == "It answered 500."
    assert "differs: see `saml refresh`" in okta.done("saml", "list", "acme")
    assert "ssoUrl: https://a.example/ → https://b.example/" in okta.done("saml", "show", "acme", "Okta")
    okta.done("saml", "refresh", "acme", "Okta", "--metadata", str(file))
    shown = okta.json("saml", "show", "acme", "Okta")
    assert (shown["metadataPending"], shown["metadataFailure"]) == ([], None)


def test_days_that_a_certificate_is_good_are_shown(okta: Commands):
    [certificate] = okta.json("saml", "show", "acme", "Okta")["certificates"]
    assert certificate["daysLeft"] == 364
    for command in (("list", "acme"), ("show", "acme", "Okta")):
        assert "364 days left" in okta.done("saml", *command)


def test_refresh_without_an_address_wants_a_file(okta: Commands):
    assert "--metadata" in okta.refused("saml", "refresh", "acme", "Okta", "--yes")


def test_update_changes_what_it_names(okta: Commands):
    changed = okta.json(
        *("saml", "update", "acme", "Okta", "--name", "Acme Okta", "--within", "1", "--unsolicited"),
        *("--reset-uri", "https://acme.okta.example/", "--contact", "it@acme.example"),
    )
    assert (changed["name"], changed["authenticatedWithinHours"], changed["allowUnsolicited"]) == (
        "Acme Okta",
        1,
        True,
    )
    again = okta.json("saml", "update", "acme", "Acme Okta", "--reset-uri", "", "--no-unsolicited")
    assert (again["resetUri"], again["contact"], again["allowUnsolicited"]) == (
        None,
        "it@acme.example",
        False,
    )


def test_update_of_what_may_not_be_is_refused(okta: Commands):
    said = okta.refused("saml", "update", "acme", "Okta", "--reset-uri", "http://acme.okta.example/")
    assert "no address to send people to" in said
    assert okta.log("acme")[-1]["outcome"] == "failure"


def test_connection_is_tried_before_it_is_used(okta: Commands):
    assert "After draft comes disabled, testing" in okta.refused("saml", "switch", "acme", "Okta", "active")
    for state in ("testing", "active", "disabled"):
        assert okta.json("saml", "switch", "acme", "Okta", state)["state"] == state
    assert "After disabled comes testing" in okta.refused("saml", "switch", "acme", "Okta", "active")


def test_unknown_connection_is_not_found(acme: Commands):
    for command in (("show",), ("refresh",), ("update",), ("switch", "testing")):
        said = acme.refused("saml", command[0], "acme", "Okta", *command[1:])
        assert 'no SAML connection called "Okta"' in said
    refused = [
        (entry["event"], entry["reason"]) for entry in acme.log("acme") if entry["outcome"] == "failure"
    ]
    assert refused == [
        ("saml_connection.update", "not_found"),
        ("saml_connection.update", "not_found"),
        ("saml_connection.switch", "not_found"),
    ]


def test_connection_adds_users_just_in_time_where_it_is_told_to(acme: Commands, file: Path):
    acme.done("saml", "create", "acme", "Okta", "--metadata", str(file), "--jit")
    assert acme.json("saml", "show", "acme", "Okta")["jit"] is True
    assert acme.json("saml", "update", "acme", "Okta", "--contact", "x")["jit"] is True
    assert acme.json("saml", "update", "acme", "Okta", "--no-jit")["jit"] is False
    assert "jit" in acme.done("saml", "show", "acme", "Okta")


def test_connection_adds_nobody_by_default(okta: Commands):
    assert okta.json("saml", "show", "acme", "Okta")["jit"] is False


MATCHING = ("--match-external-id", "urn:oid:2.5.4.45", "--names")


def matching(shown: dict[str, Any]) -> tuple[str | None, bool]:
    """What else a connection takes of an assertion, of one that a command prints."""
    return shown["externalIdAttribute"], shown["takesNames"]


def test_connection_looks_at_addresses_and_takes_no_names_by_default(okta: Commands):
    assert matching(okta.json("saml", "show", "acme", "Okta")) == (None, False)


def test_create_says_what_else_is_taken_of_an_assertion(acme: Commands, file: Path):
    made = acme.json("saml", "create", "acme", "Okta", "--metadata", str(file), *MATCHING)
    assert matching(made) == ("urn:oid:2.5.4.45", True)
    assert acme.json("saml", "show", "acme", "Okta") == made
    assert "urn:oid:2.5.4.45" in acme.done("saml", "show", "acme", "Okta")
    [entry] = [each for each in acme.log("acme") if each["event"] == "saml_connection.create"]
    assert {"externalIdAttribute", "takesNames"} <= {each["path"] for each in entry["changes"]}


def test_create_with_no_attribute_looks_at_addresses(acme: Commands, file: Path):
    made = acme.json(
        "saml", "create", "acme", "Okta", "--metadata", str(file), "--match-external-id", "", "--no-names"
    )
    assert matching(made) == (None, False)


def test_update_says_what_else_is_taken_of_an_assertion(okta: Commands):
    assert matching(okta.json("saml", "update", "acme", "Okta", *MATCHING)) == ("urn:oid:2.5.4.45", True)
    assert matching(okta.json("saml", "show", "acme", "Okta")) == ("urn:oid:2.5.4.45", True)
    assert {each["path"] for each in okta.log("acme")[-1]["changes"]} == {"externalIdAttribute", "takesNames"}


@pytest.mark.parametrize(
    "options,left",
    [
        (("--contact", "x"), ("urn:oid:2.5.4.45", True)),
        (("--match-external-id", ""), (None, True)),
        (("--match-external-id", "id"), ("id", True)),
        (("--no-names",), ("urn:oid:2.5.4.45", False)),
    ],
    ids=str,
)
def test_update_takes_back_what_it_names_alone(
    okta: Commands, options: tuple[str, ...], left: tuple[str | None, bool]
):
    okta.done("saml", "update", "acme", "Okta", *MATCHING)
    assert matching(okta.json("saml", "update", "acme", "Okta", *options)) == left


def test_refresh_leaves_what_else_is_taken_of_an_assertion(okta: Commands, file: Path):
    okta.done("saml", "update", "acme", "Okta", *MATCHING)
    file.write_text(metadata(location="https://idp.example.com/other"), encoding="utf-8")
    okta.done("saml", "refresh", "acme", "Okta", "--metadata", str(file), "--yes")
    assert matching(okta.json("saml", "show", "acme", "Okta")) == ("urn:oid:2.5.4.45", True)


@pytest.mark.parametrize("name", [" ", "a\nb", "a\u0007", "a" * 2049], ids=["blank", "lines", "bell", "long"])
def test_attribute_of_no_such_name_is_refused(okta: Commands, file: Path, name: str):
    said = okta.refused("saml", "update", "acme", "Okta", "--match-external-id", name)
    assert "The name of an attribute is one line" in said
    entry = okta.log("acme")[-1]
    assert (entry["outcome"], entry["reason"]) == ("failure", "invalid_value")
    source = ("--metadata", str(file))
    okta.refused("saml", "create", "acme", "Other", *source, "--match-external-id", name)
    assert matching(okta.json("saml", "show", "acme", "Okta")) == (None, False)
