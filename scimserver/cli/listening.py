"""Where the server listens: the socket that its workers share, and what ends TLS on it."""

import socket
import ssl

from scimserver.config import Settings


def bind(host: str, port: int) -> socket.socket:
    """A socket of that address; workers listen on it once they can answer. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """What ends TLS here, or None where a proxy does. Raises `OSError`, of which `ssl.SSLError` is one."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # An empty password: a key that needs one is refused, instead of asked for on a terminal.
    context.load_cert_chain(settings.tls_cert, settings.tls_key, password=b"")
    return context
