"""A DNS server on this machine, for tests: over UDP, it says what it is told to, or nothing."""

import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import AF_INET, SOCK_DGRAM, socket

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Records = Mapping[str, Sequence[Sequence[bytes]] | None]
"""TXT records by names, each of several strings; None for a name of which the server keeps silent."""


@dataclass(slots=True)
class Nameserver:
    """The server, while its thread runs."""

    address: str
    records: Records = field(default_factory=dict[str, Sequence[Sequence[bytes]] | None])
    asked: list[str] = field(default_factory=list[str])

    def answer(self, packet: bytes) -> bytes | None:
        """What is answered to a question."""
        question = dns.message.from_wire(packet)
        name = question.question[0].name
        self.asked.append(name.to_text(omit_final_dot=True))
        records = self.records.get(self.asked[-1], ())
        if records is None:
            return None
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if records:
            texts = [" ".join(f'"{_quoted(part)}"' for part in parts) for parts in records]
            answer.answer.append(dns.rrset.from_text_list(name, 0, "IN", "TXT", texts))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire(max_size=65_535)


def _quoted(part: bytes) -> str:
    return "".join(f"\\{octet:03}" for octet in part)


@contextmanager
def nameserver() -> Generator[Nameserver]:
    """A server that knows no name at first."""
    with socket(AF_INET, SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        host, port = listening.getsockname()
        server = Nameserver(f"{host}:{port}")

        def serve() -> None:
            while True:
                packet, sender = listening.recvfrom(4096)
                if not packet:
                    return
                answer = server.answer(packet)
                if answer is not None:
                    listening.sendto(answer, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            # An empty packet ends it.
            with socket(AF_INET, SOCK_DGRAM) as farewell:
                farewell.sendto(b"", (host, port))
            thread.join()
