"""What is sent where a response belongs, and is none, or is written as no response is."""

import base64
import re
import zlib
from collections.abc import Callable

from lxml import etree

from tests.responses import Response
from tests.responses.provider import Told, sent, signed

NAME = b"ada@acme.example</saml:NameID>"
LAUGHS = "".join(
    f'<!ENTITY l{each} "{"".join(f"&l{each - 1};" for _ in range(10))}">' for each in range(1, 10)
)


def _xml() -> bytes:
    return etree.tostring(signed())


def _with_prolog(prolog: str) -> bytes:
    return prolog.encode() + _xml()


def _in_name(text: str) -> bytes:
    """The name split by something that a reader may leave out."""
    return _xml().replace(NAME, b"ada@acme.example" + text.encode() + b".evil.test</saml:NameID>")


def _with_entity(declaration: str, use: str) -> bytes:
    return f"<!DOCTYPE r [{declaration}]>".encode() + _xml().replace(NAME, f"{use}</saml:NameID>".encode())


def _declared(encoding: str) -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + _xml()


def _in_root(attribute: str) -> bytes:
    return re.sub(rb"<samlp:Response ", b"<samlp:Response " + attribute.encode() + b" ", _xml(), count=1)


def _deep(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


TEXTS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a space": lambda: b" ",
    "no XML": lambda: b"hello",
    "a web page": lambda: b"<!doctype html><p>hello",
    "JSON": lambda: b'{"user": "boss"}',
    "an element": lambda: b"<a/>",
    "a response of nothing": lambda: b'<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"/>',
    "a response of SAML 1.1": lambda: b'<Response xmlns="urn:oasis:names:tc:SAML:1.0:protocol"/>',
    "a response of no namespace": lambda: b"<Response/>",
    "half a response": lambda: _xml()[:500],
    "a response and more": lambda: _xml() + b"<a/>",
    "a response and text": lambda: _xml() + b"hello",
    "a response twice": lambda: _xml() * 2,
    "a NUL in it": lambda: _xml().replace(b"ada@", b"ada\0@"),
    "a NUL at its end": lambda: _xml() + b"\0",
    "UTF-16": lambda: _xml().decode().encode("utf-16"),
    "UTF-32": lambda: _xml().decode().encode("utf-32"),
    "Latin-1": lambda: _xml().replace(b"ada@", b"\xe4da@"),
    "half a surrogate": lambda: _xml().replace(b"ada@", b"\xed\xa0\x80@"),
    "a document type": lambda: _with_prolog("<!DOCTYPE Response>"),
    "a document type in small letters": lambda: _with_prolog("<!doctype Response>"),
    "a document type elsewhere": lambda: _with_prolog('<!DOCTYPE r SYSTEM "http://127.0.0.1:9/canary.dtd">'),
    "an entity": lambda: _with_entity('<!ENTITY who "boss@acme.example">', "&who;"),
    "an entity of a file": lambda: _with_entity('<!ENTITY who SYSTEM "file:///etc/hostname">', "&who;"),
    "an entity of another host": lambda: _with_entity(
        '<!ENTITY who SYSTEM "http://127.0.0.1:9/canary">', "&who;"
    ),
    "a parameter entity": lambda: _with_prolog(
        '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/canary">%p;]>'
    ),
    "an entity that nobody declared": lambda: _in_name("&who;"),
    "a billion laughs": lambda: _with_entity(f'<!ENTITY l0 "ha">{LAUGHS}', "&l9;"),
    "an attribute by default": lambda: _with_prolog('<!DOCTYPE r [<!ATTLIST x ID CDATA "_a">]>'),
    "a comment in the name": lambda: _in_name("<!---->"),
    "a comment before": lambda: _with_prolog("<!-- hello -->"),
    "a comment after": lambda: _xml() + b"<!-- hello -->",
    "an instruction in the name": lambda: _in_name("<?hello?>"),
    "an instruction before": lambda: _with_prolog('<?xml-stylesheet href="http://127.0.0.1:9/canary"?>'),
    "an instruction after": lambda: _xml() + b"<?hello?>",
    "unprintable text in the name": lambda: _in_name("<![CDATA[\x7f]]>"),
    "an inclusion": lambda: _in_name(
        '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/hostname" parse="text"/>'
    ),
    "a schema elsewhere": lambda: _in_root(
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:schemaLocation="urn:x http://127.0.0.1:9/canary.xsd" hello="x"'
    ),
    "another base": lambda: _in_root('xml:base="http://127.0.0.1:9/" hello="x"'),
    "calls itself Latin-1": lambda: _declared("ISO-8859-1"),
    "calls itself UTF-16": lambda: _declared("UTF-16"),
    "calls itself UTF-7": lambda: _declared("UTF-7"),
    "calls itself EBCDIC": lambda: _declared("IBM037"),
    "XML 1.1": lambda: b'<?xml version="1.1"?><!DOCTYPE r>' + _xml(),
    "three hundred levels": lambda: _deep(300),
    "ten thousand levels": lambda: _deep(10_000),
    "ten thousand attributes": lambda: _in_root(" ".join(f'a{each}=""' for each in range(10_000))),
    "ten thousand namespaces": lambda: _in_root(
        " ".join(f'xmlns:n{each}="urn:{each}"' for each in range(5000)) + ' hello="x"'
    ),
    "ten thousand elements": lambda: _xml().replace(
        b"</samlp:Response>", b"<a/>" * 10_000 + b"</samlp:Response>"
    ),
    "a long attribute": lambda: _in_root(f'hello="{"x" * 150_000}"'),
    "a namespace that each element carries": lambda: (
        f'<r xmlns="{"u" * 96_000}">'.encode() + b"<a/>" * 20_000 + b"</r>"
    ),
    "a namespace in pieces": lambda: f'<r xmlns="{">u" * 48_000}">'.encode() + b"<a/>" * 20 + b"</r>",
    "a mark of byte order": lambda: b"\xef\xbb\xbf" + _xml(),
    "more than there may be": lambda: _xml() + b" " * 200_000,
}
"""What is sent, in base64."""

PLAIN: dict[str, Callable[[], str]] = {
    "no base64": lambda: "%%%",
    "base64 for addresses": lambda: base64.urlsafe_b64encode(b"\xff\xfe\xfd" * 9).decode(),
    "base64 without its end": lambda: sent(signed()).rstrip("=")[:-1],
    "base64 with something in it": lambda: sent(signed()).replace("A", "*", 1),
    "letters of no alphabet": lambda: "жжжж",
    "XML as it is": lambda: etree.tostring(signed()).decode(),
    "base64 twice": lambda: base64.b64encode(sent(signed()).encode()).decode(),
    "a response that is compressed": lambda: base64.b64encode(zlib.compress(_xml())[2:-4]).decode(),
    "a request instead": lambda: sent(
        b'<AuthnRequest xmlns="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" Version="2.0"/>'
    ),
    "an artifact instead": lambda: sent(
        b'<ArtifactResponse xmlns="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" Version="2.0"/>'
    ),
    "a megabyte": lambda: "A" * 1_000_000,
    "an assertion alone": lambda: sent(etree.tostring(Told().element()[-1])),
}
"""What is sent as it is."""


def responses() -> dict[str, Response]:
    """All of them."""
    made: dict[str, Response] = {
        name: lambda make=make: base64.b64encode(make()).decode() for name, make in TEXTS.items()
    }
    return made | PLAIN
