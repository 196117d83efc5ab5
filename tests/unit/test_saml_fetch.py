"""Metadata is fetched from public https addresses alone, and no more of it than there may be."""

import asyncio
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from aiohttp.resolver import DefaultResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scimserver.access.saml import fetch
from scimserver.access.saml.fetch import Fetcher
from scimserver.access.saml.metadata import MAX_METADATA
from scimserver.kernel.errors import InvalidValue

Server = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side with a certificate for this machine, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    both = tmp_path / "both.pem"
    both.write_bytes(pem + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(both)
    return server, ssl.create_default_context(cadata=pem.decode())


@pytest.fixture
async def serve(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncGenerator[Server]:
    """Starts a server on this machine; answers its https address."""
    runners: list[web.AppRunner] = []

    async def start(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        app = web.Application()
        app.router.add_get("/{path:.*}", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls[0]).start()
        return f"https://localhost:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def fetcher(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> Fetcher:
    """One that may fetch from this machine."""
    return Fetcher(tls=tls[1], public_only=False)


async def test_document_is_fetched(serve: Server, fetcher: Fetcher):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="<a/>")

    assert await fetcher.fetch(await serve(answer) + "/metadata") == b"<a/>"


async def test_redirect_on_the_same_host_is_followed(serve: Server, fetcher: Fetcher):
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/metadata":
            raise web.HTTPFound("/there")
        return web.Response(text=request.path)

    assert await fetcher.fetch(await serve(answer) + "/metadata") == b"/there"


@pytest.mark.parametrize(
    "location,said",
    [
        ("https://other.example/metadata", "another host"),
        ("http://localhost/metadata", "no https address"),
        ("file:///etc/hostname", "no https address"),
        ("https://[", "cannot be fetched"),
        ("/again", "again and again"),
    ],
)
async def test_redirect_elsewhere_is_not_followed(serve: Server, fetcher: Fetcher, location: str, said: str):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    with pytest.raises(InvalidValue, match=said):
        await fetcher.fetch(await serve(answer))


async def test_redirect_to_what_is_no_text_is_told_of_in_text(tls: tuple[ssl.SSLContext, ssl.SSLContext]):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /\xff\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls[0]) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(InvalidValue, match="no https address") as refused:
            await Fetcher(tls=tls[1], public_only=False).fetch(f"https://localhost:{port}/")
    assert refused.value.detail.encode()


async def test_document_that_is_too_large_is_not_read_to_its_end(serve: Server, fetcher: Fetcher):
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 100 * MAX_METADATA:
            await response.write(b" " * 65536)
            sent += 65536
        return response

    with pytest.raises(InvalidValue, match="larger than"):
        await fetcher.fetch(await serve(answer))
    assert sent < 50 * MAX_METADATA


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP, gzip"])
async def test_document_that_would_unfold_is_not_unfolded(serve: Server, fetcher: Fetcher, encoding: str):
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers["Accept-Encoding"])
        bomb = zlib.compress(b" " * 50 * MAX_METADATA, level=9, wbits=31)
        assert len(bomb) < MAX_METADATA
        return web.Response(body=bomb, headers={"Content-Encoding": encoding})

    with pytest.raises(InvalidValue, match="compressed"):
        await fetcher.fetch(await serve(answer))
    assert asked == ["identity"]


async def test_length_that_is_announced_is_not_believed(serve: Server, fetcher: Fetcher):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b" " * (MAX_METADATA + 1))

    with pytest.raises(InvalidValue, match="larger than"):
        await fetcher.fetch(await serve(answer))


@pytest.mark.parametrize("begins", [False, True])
async def test_document_that_comes_too_slowly_is_not_waited_for(
    serve: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, begins: bool
):
    go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if begins:
            await response.prepare(request)
            await response.write(b"<a>")
        await go_on.wait()
        return response

    monkeypatch.setattr(fetch, "SECONDS", 0.3)
    url = await serve(answer)
    with pytest.raises(InvalidValue, match="took more than"):
        await fetcher.fetch(url)
    go_on.set()


async def test_what_is_not_there_is_said_so(serve: Server, fetcher: Fetcher):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=404)

    with pytest.raises(InvalidValue, match="answered 404"):
        await fetcher.fetch(await serve(answer))


async def test_server_that_cannot_prove_its_name_is_not_believed(serve: Server):
    async def answer(request: web.Request) -> web.Response:
        raise AssertionError("nobody is asked")

    with pytest.raises(InvalidValue, match="Certificate"):
        await Fetcher(public_only=False).fetch(await serve(answer))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - to be refused
        "224.0.0.1",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "localhost",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[fec0::1]",
        "[3fff::1]",
        "[5f00::1]",
        "[::]",
        "[ff02::1]",
        "[fe80::1%25lo]",
        "[64:ff9b::a9fe:a9fe]",
        "[2001:db8::1]",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "255.255.255.255",
        # What systems take for an address when they look it up.
        "0x7f000001",
    ],
)
async def test_address_of_a_private_network_is_not_asked(address: str):
    with pytest.raises(InvalidValue, match="not on the public network"):
        await Fetcher().fetch(f"https://{address}/metadata")


@pytest.mark.parametrize("address", ["127.1", "2130706433", "0177.0.0.1", "0x7f.1"])
async def test_address_in_another_spelling_is_not_asked(monkeypatch: pytest.MonkeyPatch, address: str):
    answering(monkeypatch, ["127.0.0.1"])
    with pytest.raises(InvalidValue, match=r"not on the public network|InvalidUrl"):
        await Fetcher().fetch(f"https://{address}/metadata")


def answering(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Has names stand for these addresses, one answer after the other; the names that were looked up."""
    looked_up: list[str] = []

    async def resolve(
        self: DefaultResolver, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        looked_up.append(host)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in answers[len(looked_up) - 1]
        ]

    monkeypatch.setattr(DefaultResolver, "resolve", resolve)
    return looked_up


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        ["93.184.216.34", "10.0.0.1"],
        ["2606:4700::1111", "fd00::1"],
    ],
)
async def test_name_of_a_private_address_is_not_asked(monkeypatch: pytest.MonkeyPatch, addresses: list[str]):
    answering(monkeypatch, addresses)
    with pytest.raises(InvalidValue, match="not on the public network"):
        await Fetcher().fetch("https://idp.example.com/metadata")


async def test_address_that_was_looked_at_is_the_one_that_is_asked(
    serve: Server, tls: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="<a/>")

    looked_at: list[str] = []

    def look_at(address: str) -> None:
        ip_address(address)
        looked_at.append(address)

    url = await serve(answer)
    # Whoever asked again, to connect, would be told of another address.
    looked_up = answering(monkeypatch, ["127.0.0.1"], ["127.0.0.9"])
    monkeypatch.setattr(fetch, "_require_public", look_at)
    assert await Fetcher(tls=tls[1]).fetch(url) == b"<a/>"
    assert (looked_up, looked_at) == (["localhost"], ["127.0.0.1"])


async def test_address_is_looked_at_again_for_each_redirect(
    serve: Server, tls: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
):
    async def answer(request: web.Request) -> web.Response:
        headers = {"Location": f"https://localhost:{int(request.url.port or 0) - 1}/", "Connection": "close"}
        return web.Response(status=302, headers=headers)

    seen: list[str] = []

    def look_at(address: str) -> None:
        ip_address(address)
        seen.append(address)
        if len(seen) > 1:
            raise fetch.NotPublic("it is not on the public network")

    url = await serve(answer)
    answering(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    monkeypatch.setattr(fetch, "_require_public", look_at)
    with pytest.raises(InvalidValue, match="not on the public network"):
        await Fetcher(tls=tls[1]).fetch(url)
    assert seen == ["127.0.0.1", "10.0.0.1"]


async def test_proxy_of_the_surroundings_is_not_asked(
    serve: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="<a/>")

    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert await fetcher.fetch(await serve(answer)) == b"<a/>"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "idp.example.com",
        "http://idp.example.com/",
        "https://u:p@idp.example.com/",
        "https://a:b/",
        "https://127\u30020\u30020\u30021/",
        "https://\u2460\u2461\u2466.0.0.1/",
    ],
)
async def test_what_is_no_https_address_is_not_asked(url: str):
    with pytest.raises(InvalidValue, match="no https address"):
        await Fetcher().fetch(url)
