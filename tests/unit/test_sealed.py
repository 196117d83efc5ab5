"""Sealing: opened by whoever has the secret, for what it was sealed for, and telling nothing else."""

import pytest

from scimserver.directory.sealed import Seal, derived_key, keyed_digest

SECRET = b"a secret of the server, long enough"
TEXT = b'{"address": "ada@acme.example"}'


def altered(sealed: bytes, at: int) -> bytes:
    changed = bytearray(sealed)
    changed[at] ^= 1
    return bytes(changed)


def test_sealed_text_opens_again():
    sealed = Seal(SECRET, "tests").close(TEXT, b"here")
    assert Seal(SECRET, "tests").open(sealed, b"here") == TEXT


@pytest.mark.parametrize(
    "seal,place",
    [
        (Seal(b"another secret", "tests"), b"here"),
        (Seal(SECRET, "another purpose"), b"here"),
        (Seal(SECRET, "tests"), b"there"),
    ],
    ids=["secret", "purpose", "place"],
)
def test_sealed_text_does_not_open_by_another(seal: Seal, place: bytes):
    assert seal.open(Seal(SECRET, "tests").close(TEXT, b"here"), place) is None


@pytest.mark.parametrize("at", [0, 12, 100, -1])
def test_sealed_text_that_was_altered_does_not_open(at: int):
    seal = Seal(SECRET, "tests")
    assert seal.open(altered(seal.close(TEXT, b"here"), at), b"here") is None


@pytest.mark.parametrize("sealed", [b"", b"short", b"\x00" * 12, b"\x00" * 28])
def test_what_was_never_sealed_does_not_open(sealed: bytes):
    assert Seal(SECRET, "tests").open(sealed, b"here") is None


def test_sealed_texts_differ_each_time_and_hold_nothing_of_the_text():
    seal = Seal(SECRET, "tests")
    first, second = seal.close(TEXT, b"here"), seal.close(TEXT, b"here")
    assert first != second
    assert b"ada" not in first


@pytest.mark.parametrize("length", [1, 100, 511, 512])
def test_length_of_a_sealed_text_tells_nothing_of_what_is_in_it(length: int):
    seal = Seal(SECRET, "tests")
    assert len(seal.close(b"x" * length, b"")) == len(seal.close(TEXT, b""))


def test_keys_and_digests_differ_by_purpose_secret_and_text():
    keys = [derived_key(SECRET, "one"), derived_key(SECRET, "two"), derived_key(b"other", "one")]
    digests = {keyed_digest(key, text) for key in keys for text in ("192.0.2.7", "192.0.2.8")}
    assert (len(set(keys)), len(digests)) == (3, 6)
    assert keyed_digest(keys[0], "192.0.2.7") == keyed_digest(derived_key(SECRET, "one"), "192.0.2.7")
