"""Codes of recovery accounts: those of RFC 6238, appendix B, a step to either side, and no others."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from scimserver.directory.recovery import Codes
from scimserver.directory.recovery.model import Secret, new_secret, step_of
from scimserver.kernel.ids import OrganizationId, UserId, new_uuid

SECRET = base64.b32encode(b"12345678901234567890").decode()
# The RFC has eight digits: six are the last six of them.
VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
NOW = datetime.fromtimestamp(1234567890, UTC)
ORGANIZATION, USER = OrganizationId(new_uuid()), UserId(new_uuid())


@pytest.mark.parametrize("moment", VECTORS)
def test_step_is_that_of_the_code_at_the_moments_of_the_rfc(moment: int):
    now = datetime.fromtimestamp(moment, UTC)
    assert step_of(SECRET, VECTORS[moment][-6:], now) == moment // 30


@pytest.mark.parametrize("seconds,counts", [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_code_counts_a_step_before_and_after_its_own(seconds: int, counts: bool):
    found = step_of(SECRET, "005924", NOW + timedelta(seconds=seconds))
    assert found == (1234567890 // 30 if counts else None)


def test_code_may_have_spaces_as_apps_show_them():
    assert step_of(SECRET, " 005 924 ", NOW) is not None


@pytest.mark.parametrize(
    "code", ["", "005925", "5924", "0005924", "٠٠٥٩٢٤", "005924\x00", "0" * 100_000, "\udc80" * 6]
)
def test_code_is_none_that_is_another_text(code: str):
    assert step_of(SECRET, code, NOW) is None


def test_secrets_differ_and_are_as_long_as_the_rfc_says():
    one, other = new_secret().text, new_secret().text
    assert one != other
    assert len(base64.b32decode(one)) == 20


def test_uri_holds_the_secret_for_an_app():
    parts = urlsplit(Secret(text=SECRET).uri("ada@acme.example", "Acme & Söhne"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/Acme%20%26%20S%C3%B6hne:ada%40acme.example"
    assert parse_qs(parts.query) == {
        "secret": [SECRET],
        "issuer": ["Acme & Söhne"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }


def test_sealed_secret_tells_nothing_and_judges_codes_of_its_user_alone():
    codes, secret = Codes(b"x" * 32), Secret(text=SECRET)
    sealed = codes.sealed(ORGANIZATION, USER, secret)
    assert SECRET.encode() not in sealed
    assert codes.step(sealed, ORGANIZATION, USER, "005924", NOW) == 1234567890 // 30
    others = [
        (codes, ORGANIZATION, UserId(new_uuid())),
        (codes, OrganizationId(new_uuid()), USER),
        (Codes(b"y" * 32), ORGANIZATION, USER),
    ]
    assert [each.step(sealed, org, user, "005924", NOW) for each, org, user in others] == [None] * 3


def test_no_code_counts_where_there_is_no_account():
    code = TOTP(bytes(20), 6, SHA1(), 30).generate(int(NOW.timestamp())).decode()  # noqa: S303 - RFC 6238
    assert Codes(b"x" * 32).step(None, ORGANIZATION, None, code, NOW) is None
