"""What `scimserver serve` needs to start, and what it says when that is not so."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.processes import PUBLIC_URL, ask, program


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, signed by itself, and its key: two files."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "scim.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_serve_ends_tls_with_the_certificate_it_was_given(certificate: tuple[Path, Path], database_dsn: str):
    cert, key = certificate
    with program(
        "serve",
        port=0,
        workers=1,
        database_url=database_dsn,
        public_url=PUBLIC_URL,
        tls_cert=cert,
        tls_key=key,
    ) as running:
        url = running.url(scheme="https")
        assert ask(f"{url}/readyz", tls=ssl.create_default_context(cafile=cert)).status == 200


def test_serve_names_all_mistakes_at_once(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        missing = tmp_path / "none.pem"
        with program("serve", port=port, tls_cert=missing, colour="red", workers="many") as running:
            assert running.wait() == 2
            assert running.stderr.splitlines() == [
                "SCIMSERVER_COLOUR: is not a setting; see `scimserver settings` for those there are",
                "SCIMSERVER_WORKERS: Input should be a valid integer, unable to parse string as an integer",
                "SCIMSERVER_PUBLIC_URL: is not set; it is the URL under which clients reach the server",
                f"SCIMSERVER_TLS_CERT: {missing} cannot be read: No such file or directory",
                "SCIMSERVER_TLS_KEY: is not set; certificate and key go together",
                f"SCIMSERVER_PORT: cannot listen on 127.0.0.1:{port}: Address already in use",
            ]


def test_serve_refuses_a_certificate_and_a_key_that_do_not_fit(certificate: tuple[Path, Path]):
    cert, _ = certificate
    with program("serve", port=0, public_url=PUBLIC_URL, tls_cert=cert, tls_key=cert) as running:
        assert running.wait() == 2
        assert running.stderr.startswith("SCIMSERVER_TLS_CERT: certificate and key cannot be used together")


def test_serve_names_what_is_wrong_about_mail(tmp_path: Path):
    (tmp_path / "ca.pem").write_text("no certificate")
    settings = {"smtp_url": "smtps://relay.example", "smtp_ca": tmp_path / "ca.pem"}
    with program("serve", port=0, public_url=PUBLIC_URL, **settings) as running:
        assert running.wait() == 2
        assert running.stderr.splitlines() == [
            "SCIMSERVER_MAIL_FROM: is not set; mail servers want to know whom mail is from",
            f"SCIMSERVER_SMTP_CA: {tmp_path / 'ca.pem'} holds no certificate in PEM form",
        ]


def test_serve_names_a_mail_server_that_is_none_and_never_its_password(tmp_path: Path):
    settings = {"smtp_url": "smtp://mailer:geheim@relay.example", "mail_from": "nobody"}
    with program(
        "serve", port=0, public_url=PUBLIC_URL, smtp_ca=tmp_path / "none.pem", **settings
    ) as running:
        assert running.wait() == 2
        assert running.stderr.splitlines() == [
            "SCIMSERVER_SMTP_URL: a password would travel in clear: use smtp+starttls:// or smtps://",
            "SCIMSERVER_MAIL_FROM: write it like Acme Directory <no-reply@acme.example>",
            f"SCIMSERVER_SMTP_CA: {tmp_path / 'none.pem'} cannot be read: No such file or directory",
        ]


def test_serve_says_what_to_run_when_the_database_is_not_migrated(bare_database_dsn: str):
    with program("serve", port=0, database_url=bare_database_dsn, public_url=PUBLIC_URL) as running:
        assert running.wait() == 3
        assert "0001_foundation" in running.stderr
        assert "run `scimserver migrate`" in running.stderr


def test_serve_ends_when_no_database_answers(tmp_path: Path):
    nowhere = f"postgresql://nobody@/nothing?host={tmp_path}"
    with program("serve", port=0, database_url=nowhere, public_url=PUBLIC_URL) as running:
        assert running.wait() == 3
        assert running.stderr.startswith("the database does not answer")
