"""`scimserver serve`: workers that share one port, watched by the process that started them.

What can be wrong with settings, files and port is told before anything starts. The parent owns the
listening socket and, where the database is our own, PostgreSQL.
Proven by tests/api/test_serve_process.py and tests/api/test_durability.py.
"""

import os
import socket
import ssl
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from scimserver.cli import runtime
from scimserver.cli.listening import bind, tls_context
from scimserver.config import Reading, Settings, read_settings


@click.command()
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 256), help="How many processes serve the port.")
@click.option("--public-url", help="The URL under which clients reach the server.")
@click.option("--tls-cert", type=click.Path(), help="PEM file with the certificate chain.")
@click.option("--tls-key", type=click.Path(), help="PEM file with the certificate's private key.")
def serve(**options: object) -> None:
    """Serve SCIM until SIGTERM, which lets running requests end."""
    with runtime.told():
        reading = read_settings(**options)
        with _checked(reading) as listening, runtime.database_server(reading.settings) as dsn:
            status = _supervised(reading.settings, dsn, listening)
    sys.exit(status)


def _checked(reading: Reading) -> socket.socket:
    """The socket that workers will share. Raises `ConfigurationError` with all that is wrong."""
    settings = reading.settings
    if settings.public_url is None:
        reading.fault(
            "SCIMSERVER_PUBLIC_URL", "is not set; it is the URL under which clients reach the server"
        )
    _check_tls(reading)
    _check_mail(reading)
    listening = None
    try:
        listening = bind(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        reading.fault("SCIMSERVER_PORT", f"cannot listen on {where}: {error.strerror}")
    if reading.mistakes and listening is not None:
        listening.close()
    reading.sound()
    assert listening is not None
    return listening


def _check_tls(reading: Reading) -> None:
    files = {"CERT": reading.settings.tls_cert, "KEY": reading.settings.tls_key}
    for name, path in files.items():
        fault = _unreadable(path) if path else "is not set; certificate and key go together"
        if fault and any(files.values()):
            reading.fault(f"SCIMSERVER_TLS_{name}", fault)
    if not any(variable.startswith("SCIMSERVER_TLS_") for variable in reading.mistakes):
        try:
            tls_context(reading.settings)
        except ssl.SSLError as error:
            reading.fault(
                "SCIMSERVER_TLS_CERT", f"certificate and key cannot be used together: {error.reason}"
            )


def _check_mail(reading: Reading) -> None:
    settings = reading.settings
    if settings.smtp_url is not None and settings.mail_from is None:
        reading.fault("SCIMSERVER_MAIL_FROM", "is not set; mail servers want to know whom mail is from")
    if settings.smtp_ca is None:
        return
    fault = _unreadable(settings.smtp_ca)
    if fault is None:
        try:
            ssl.create_default_context(cafile=settings.smtp_ca)
        except ssl.SSLError:
            fault = f"{settings.smtp_ca} holds no certificate in PEM form"
    if fault is not None:
        reading.fault("SCIMSERVER_SMTP_CA", fault)


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"


def _supervised(settings: Settings, dsn: str, listening: socket.socket) -> int:
    """Serve until told to stop; the exit code."""
    with TemporaryDirectory(prefix="scimserver-metrics-", ignore_cleanup_errors=True) as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        # Only now: prometheus-client asks for that variable when it is imported.
        from scimserver.cli.supervisor import supervise  # noqa: PLC0415 - see above

        return supervise(settings, dsn, listening, metrics_dir=metrics)
