"""Asking DNS for TXT records: what there is, what there is not, and what comes from strangers."""

import time

import pytest

from scimserver.access.nameservers import Nameservers, parse_server
from scimserver.kernel.errors import Unavailable
from tests.nameserver import Records, nameserver

NAME = "_scimserver.acme.example"


async def texts(records: Records, *, seconds: float = 5.0) -> list[str]:
    with nameserver() as server:
        server.records = records
        return await Nameservers([server.address], seconds=seconds).texts(NAME)


@pytest.mark.parametrize(
    "records,found",
    [
        ([[b"one"]], ["one"]),
        ([[b"one"], [b"two"]], ["one", "two"]),
        ([[b"joined ", b"without ", b"spaces"]], ["joined without spaces"]),
        ([[b"\x00\x1b[31m\xff"]], ["\ufffd\ufffd[31m\ufffd"]),
        ([[b"x" * 255] * 4], ["x" * 1020]),
    ],
)
async def test_texts_are_those_of_the_name(records: list[list[bytes]], found: list[str]):
    assert sorted(await texts({NAME: records})) == found


async def test_texts_are_none_where_there_is_no_such_name():
    assert await texts({"acme.example": [[b"one"]]}) == []


async def test_texts_are_unavailable_where_nobody_answers_in_time():
    began = time.monotonic()
    with pytest.raises(Unavailable, match=NAME):
        await texts({NAME: None}, seconds=0.3)
    assert time.monotonic() - began < 3


async def test_texts_are_unavailable_where_the_name_is_too_long_to_be_asked_for():
    with nameserver() as server, pytest.raises(Unavailable):
        await Nameservers([server.address]).texts("_scimserver." + ".".join(["a" * 60] * 4) + ".example")


@pytest.mark.parametrize(
    "text,server",
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_server_is_an_address_with_or_without_a_port(text: str, server: tuple[str, int]):
    assert parse_server(text) == server


@pytest.mark.parametrize("text", ["", "dns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "[::1"])
def test_server_is_refused_that_is_no_address(text: str):
    with pytest.raises(ValueError, match=r"port|address"):
        parse_server(text)
