"""All hostile responses by name, and the server that some of them would have asked something."""

import base64
import socket
from collections.abc import Generator
from contextlib import contextmanager

from tests.responses import costly, said, signing, spelling, wrapping

HOSTILE = {
    f"{source.__name__.rpartition('.')[2]}: {name}": response
    for source in (said, signing, wrapping, spelling, costly)
    for name, response in source.responses().items()
}


@contextmanager
def canary() -> Generator[socket.socket]:
    """A server that nobody may ask for anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def watched(response: str, port: int) -> str:
    """The same response, with the addresses that it names turned to the canary."""
    try:
        xml = base64.b64decode(response, validate=True)
    except ValueError:
        return response
    return base64.b64encode(xml.replace(b"127.0.0.1:9/", f"127.0.0.1:{port}/".encode())).decode()
