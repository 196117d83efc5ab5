"""Metadata of identity providers: what is read from it, and what is refused, with a sentence that helps."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from scimserver.access.saml.metadata import parse_metadata
from scimserver.access.saml.trust import Trust
from scimserver.access.saml.verify import request_to
from scimserver.directory.saml import parse_certificate, require_web_address
from scimserver.kernel.errors import InvalidValue
from tests.metadata import POST, key, metadata
from tests.responses.provider import signer

NOW = datetime.now(UTC)


def several(*providers: str) -> str:
    namespace = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
    return f"<md:EntitiesDescriptor {namespace}>{''.join(providers)}</md:EntitiesDescriptor>"


def self_signed(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_provider_is_read():
    read = parse_metadata(metadata().encode(), NOW)
    assert (read.entity_id, read.sso_url) == ("https://idp.example.com", "https://idp.example.com/sso")
    assert [each.pem for each in read.certificates] == [signer().certificate]
    assert read.certificates[0].subject == "CN=idp"


def test_each_certificate_for_signing_is_read_once():
    keys = (
        key(signer().certificate)
        + key(signer().certificate)
        + key(signer("next").certificate, use="")
        + key(signer("other").certificate, use='use="encryption"')
    )
    read = parse_metadata(metadata(keys=keys).encode(), NOW)
    assert [each.pem for each in read.certificates] == [signer().certificate, signer("next").certificate]


def test_provider_among_services_is_found():
    others = metadata(entity_id="https://sp.example.com", role="SPSSODescriptor")
    assert parse_metadata(several(others, metadata()).encode(), NOW).entity_id == "https://idp.example.com"


@pytest.mark.parametrize(
    "text,said",
    [
        ("", "no well-formed XML"),
        ("<a>", "no well-formed XML"),
        ("<a/>", "no identity provider"),
        (metadata(role="SPSSODescriptor"), "no identity provider"),
        (several(metadata(), metadata(entity_id="https://b.example.com")), "2 identity providers"),
        ("<!DOCTYPE a>" + metadata(), "document type"),
        ('<!doctype a [<!entity b "c">]>' + metadata(), "document type"),
        (
            f'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a>{metadata().replace("+", "+-")}',
            "document type",
        ),
        (metadata() + " " * 1024 * 1024, "octets"),
        (metadata(entity_id=""), "names no provider"),
        (metadata(entity_id="a" * 1025), "names no provider"),
        (metadata(binding=POST), "HTTP-Redirect"),
        (metadata(location="http://idp.example.com/sso"), "no address to send people to"),
        (metadata(location="javascript:alert(1)"), "no address to send people to"),
        (metadata(location="https://user@idp.example.com/"), "no address to send people to"),
        (metadata(keys=""), "no certificate for signing"),
        (metadata(keys=key("-\nAAAA\n-")), "cannot be read"),
        (metadata(keys="".join(key(signer(str(n)).certificate) for n in range(11))), "more than 10"),
        (metadata(attributes='validUntil="2020-01-01T00:00:00Z"'), "valid until 2020"),
        (metadata(attributes='validUntil="soon"'), "no moment"),
        (metadata(role_attributes='validUntil="2020-01-01T00:00:00Z"'), "valid until 2020"),
        (metadata(role_attributes='validUntil="soon"'), "no moment"),
        (
            metadata(keys=key(signer().certificate, use='use="signing" validUntil="2020-01-01T00:00:00Z"')),
            "valid until 2020",
        ),
        (several(metadata()).replace(">", ' validUntil="2020-01-01T00:00:00Z">', 1), "valid until 2020"),
    ],
)
def test_metadata_that_cannot_be_used_is_refused(text: str, said: str):
    with pytest.raises(InvalidValue, match=said) as refused:
        parse_metadata(text.encode(), NOW)
    assert refused.value.attribute == "metadata"


def test_utf_16_is_refused():
    with pytest.raises(InvalidValue, match="UTF-8"):
        parse_metadata(("<!DOCTYPE a>" + metadata()).encode("utf-16"), NOW)


def test_certificate_with_a_short_key_is_refused():
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
    with pytest.raises(InvalidValue, match="no RSA key of 2048 bits"):
        parse_certificate(self_signed(short))


def test_certificate_with_a_key_of_another_kind_is_refused():
    with pytest.raises(InvalidValue, match="no RSA key"):
        parse_certificate(self_signed(ec.generate_private_key(ec.SECP256R1())))


def test_certificate_of_a_year_that_there_is_not_is_refused():
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(datetime(2060, 1, 1, tzinfo=UTC))
    der = builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)
    assert der.count(b"20600101000000Z") == 1
    text = base64.b64encode(der.replace(b"20600101000000Z", b"00000101000000Z")).decode()
    with pytest.raises(InvalidValue, match="cannot be read"):
        parse_certificate(text)


def test_certificate_with_a_key_for_another_padding_is_refused():
    der = x509.load_pem_x509_certificate(signer().certificate.encode()).public_bytes(Encoding.DER)
    # The name of the algorithm and its parameters: none, and a list of none.
    rsa_key, pss_key = "06092a864886f70d0101010500", "06092a864886f70d01010a3000"
    assert der.count(bytes.fromhex(rsa_key)) == 1
    pss = x509.load_der_x509_certificate(der.replace(bytes.fromhex(rsa_key), bytes.fromhex(pss_key)))
    with pytest.raises(InvalidValue, match="RSASSA-PSS"):
        parse_certificate(pss.public_bytes(Encoding.PEM).decode())


def test_metadata_that_is_good_for_a_while_is_taken():
    until = f'validUntil="{NOW + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"'
    text = several(metadata(attributes=until, role_attributes=until)).replace(">", f" {until}>", 1)
    assert parse_metadata(text.encode(), NOW).entity_id == "https://idp.example.com"


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/sso?x=1",
        "https://a.example?x=1",
        "https://A_b.example.:8443",
        "https://intranet/sso",
        "https://192.0.2.1/sso",
        "https://[2001:db8::1]/sso",
        "http://[::1]/sso",
        "http://127.0.0.1:8080/sso",
        "http://localhost/",
    ],
)
def test_address_that_people_can_be_sent_to_is_taken(url: str):
    read = parse_metadata(metadata(location=url).encode(), NOW)
    ours = "https://scim.example.com/saml/a"
    trust = Trust(
        entity_id=f"{ours}/metadata",
        acs_url=f"{ours}/acs",
        idp_entity_id=read.entity_id,
        sso_url=read.sso_url,
        certificates=tuple(each.pem for each in read.certificates),
    )
    # The library takes it, too.
    assert request_to(trust, "relay", None)[1].startswith(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a",
        "//a.example/",
        "https:///a",
        "https://[",
        "https://a:b/",
        "https://a.example/ b",
        "https://a.example:/",
        "https://-a.example/",
        "https://a..example/",
        "https://%61.example/",
        "https://me@a.example/",
        f"https://{'a' * 64}.example/",
        "https://[v1.a]/",
        "https://ä.de/",
    ],
)
def test_address_that_people_cannot_be_sent_to_is_refused(url: str):
    with pytest.raises(InvalidValue, match="no address to send people to"):
        require_web_address(url, attribute="resetUri")
