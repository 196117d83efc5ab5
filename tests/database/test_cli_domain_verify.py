"""`scimserver domain verify`: an Email Domain is proven by what DNS says, and by nothing else."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from tests.commands import Commands
from tests.nameserver import Nameserver, nameserver

NAME = "_scimserver.acme.example"


@pytest.fixture
def dns(acme: Commands, clean_settings: Callable[..., None]) -> Generator[Nameserver]:
    """The server that `acme` is asked about."""
    with nameserver() as server:
        clean_settings(SCIMSERVER_DATABASE_URL=acme.dsn, SCIMSERVER_DNS_SERVERS=server.address)
        yield server


def verify(acme: Commands, name: str = "acme.example") -> tuple[int, str]:
    result = acme("domain", "verify", "acme", name)
    return result.exit_code, result.output


def proof(acme: Commands, name: str = "acme.example") -> str:
    """What is to be published, as a refusal says."""
    exit_code, said = verify(acme, name)
    assert exit_code == 1, said
    return said.rpartition('with the value "')[2].partition('"')[0]


def verified(acme: Commands) -> Any:
    return acme.json("domain", "list", "acme")[0]["verified_at"]


def test_domain_verify_takes_a_domain_for_proven_whose_proof_is_published(acme: Commands, dns: Nameserver):
    dns.records = {NAME: [[b"v=spf1 -all"], [proof(acme).encode()]]}
    assert verify(acme)[0] == 0
    assert verified(acme) is not None


def test_domain_verify_joins_the_strings_of_a_record(acme: Commands, dns: Nameserver):
    value = proof(acme).encode()
    dns.records = {NAME: [[value[:20], value[20:]]]}
    assert verify(acme)[0] == 0


def test_domain_verify_says_what_to_publish_and_that_it_is_not_there(acme: Commands, dns: Nameserver):
    exit_code, said = verify(acme)
    assert exit_code == 1
    assert f"There is no TXT record at {NAME}." in said
    assert f'Publish a TXT record at {NAME} with the value "scimserver-verification=' in said
    assert dns.asked == [NAME]


@pytest.mark.parametrize(
    "strings",
    [
        [b"scimserver-verification=somebody-elses"],
        [b"SCIMSERVER-VERIFICATION={token}"],
        [b"x" * 255, b"\x1b]0;title\x07" * 20],
        [b"{proof} and more"],
    ],
)
def test_domain_verify_refuses_another_record(acme: Commands, dns: Nameserver, strings: list[bytes]):
    value = proof(acme)
    token = value.partition("=")[2]
    filled = [
        part.replace(b"{token}", token.encode()).replace(b"{proof}", value.encode()) for part in strings
    ]
    dns.records = {NAME: [filled]}
    exit_code, said = verify(acme)
    assert (exit_code, "which is not the proof" in said, "\x1b" in said) == (1, True, False)
    assert len(said) < 1000
    assert verified(acme) is None


def test_domain_verify_asks_for_the_same_record_each_time(acme: Commands, dns: Nameserver):
    assert proof(acme) == proof(acme)


def test_domain_verify_asks_for_other_records_of_other_domains_and_organisations(
    acme: Commands, dns: Nameserver
):
    acme.done("domain", "add", "acme", "corp.example")
    assert proof(acme) != proof(acme, "corp.example")
    acme.refused("domain", "verify", "acme", "elsewhere.example")


def test_domain_verify_asks_for_another_record_once_the_domain_was_removed(acme: Commands, dns: Nameserver):
    before = proof(acme)
    dns.records = {NAME: [[before.encode()]]}
    assert verify(acme)[0] == 0
    acme.done("domain", "remove", "acme", "acme.example", "--yes")
    acme.done("domain", "add", "acme", "acme.example")
    assert verified(acme) is None
    assert proof(acme) != before


def test_domain_verify_changes_nothing_the_second_time_and_asks_nobody(acme: Commands, dns: Nameserver):
    dns.records = {NAME: [[proof(acme).encode()]]}
    assert verify(acme)[0] == 0
    before, dns.asked = verified(acme), []
    assert verify(acme)[0] == 0
    assert (verified(acme), dns.asked) == (before, [])
    assert acme.log("acme", "--event", "domain.verify")[-1]["outcome"] == "noop"


def test_domain_verify_refuses_a_public_mail_service_however_it_came_into_the_list(
    acme: Commands, dns: Nameserver
):
    acme.done("domain", "add", "acme", "gmail.com", "--allow-public")
    assert "public mail service" in acme.refused("domain", "verify", "acme", "gmail.com")
    assert dns.asked == []


def test_domain_verify_logs_what_was_found_and_that_it_was_refused(acme: Commands, dns: Nameserver):
    proof(acme)
    dns.records = {NAME: [[b"something else"]]}
    verify(acme)
    refused = acme.log("acme", "--event", "domain.verify")[-1]
    assert (refused["outcome"], refused["reason"]) == ("failure", "domain_not_proven")
    assert refused["personal"]["changes.0.new"] == ["something else"]
    assert [entry["outcome"] for entry in acme.log("acme", "--event", "domain.ask_proof")] == ["success"]
