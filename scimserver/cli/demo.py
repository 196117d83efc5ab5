"""`scimserver demo`: a server with a database of its own, and two identity providers played against it.

Everything is real: PostgreSQL, HTTP on loopback, tokens, the log. The configured database is never
touched. Run again on the same data it takes up the same organisation with a fresh token.
Proven by tests/api/test_demo_process.py.
"""

import asyncio
import secrets
import signal
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import click
import uvloop
from aiohttp import web
from rich.console import Console

from scimserver.access import connections, tokens
from scimserver.access.connections import Connection, Dialect
from scimserver.app import Surroundings, application, secret_of
from scimserver.audit import store
from scimserver.cli import demo_saml, runtime
from scimserver.cli.demo_report import Played, directory_table, log_table, providers_table
from scimserver.cli.dialogue import PEERS, load
from scimserver.cli.listening import bind
from scimserver.cli.player import play, summary
from scimserver.cli.ready import Ready, announced_in
from scimserver.cli.runtime import Session
from scimserver.cli.simulate import show
from scimserver.config import ConfigurationError, Settings, load_settings
from scimserver.db.embedded import EmbeddedPostgres
from scimserver.db.migrate import migrate
from scimserver.directory import domains, organizations
from scimserver.directory.organizations import Organization
from scimserver.directory.saml import Provider
from scimserver.http.hardening import bounded_runner
from scimserver.kernel.domains import parse_domain
from scimserver.kernel.errors import NotFound
from scimserver.kernel.ids import OrganizationId
from scimserver.scim.face import BASE_PATH
from scimserver.telemetry import configure_logging

ORGANIZATION: Final = "demo"
_HOST: Final = "127.0.0.1"
_DRAIN_S: Final = 5.0


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one."
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where its PostgreSQL keeps its data.")
@click.option("--empty", is_flag=True, help="Play no dialogues: an organisation, its domains, a token.")
@click.option(
    "--domain", "domain_names", multiple=True, default=("example.com",), show_default=True,
    help="An Email Domain of the organisation; may be given several times.",
)  # fmt: skip
@click.option("--exit", "exits", is_flag=True, help="Stop when the dialogues are over.")
@click.option(
    "--saml-idp-metadata", type=click.File("rb"),
    help="An identity provider's metadata: people of the first Email Domain sign in by it.",
)  # fmt: skip
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    help="Write address and token there as JSON once it answers.",
)
def demo(
    *,
    port: int,
    data_dir: Path | None,
    empty: bool,
    domain_names: tuple[str, ...],
    exits: bool,
    saml_idp_metadata: BinaryIO | None,
    ready_file: Path | None,
) -> None:
    """Start a server with its own PostgreSQL, and play Okta and Entra ID against it."""
    with runtime.told():
        settings = load_settings(rate_limit=0)
        configure_logging(level="warning", as_json=False)
        folder = data_dir or settings.data_dir / "demo"
        with announced_in(ready_file) as announce:
            provider = demo_saml.provider_of(saml_idp_metadata)
            plan = _Plan(empty=empty, domains=domain_names, exits=exits, provider=provider, announce=announce)
            with _bound(port) as listening, _database(settings, folder) as dsn:
                status = uvloop.run(_run(settings, dsn, listening, plan))
    raise SystemExit(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    empty: bool
    domains: tuple[str, ...]
    exits: bool
    provider: Provider | None
    announce: Callable[[Ready], None]


def _bound(port: int) -> socket.socket:
    try:
        return bind(_HOST, port)
    except OSError as error:
        raise ConfigurationError(
            [f"cannot listen on {_HOST}:{port}: {error.strerror}; choose another --port, or 0 for a free one"]
        ) from error


@contextmanager
def _database(settings: Settings, folder: Path) -> Generator[str]:
    with EmbeddedPostgres(folder, binaries=settings.postgres_binaries) as server:
        asyncio.run(migrate(server.dsn))
        yield server.dsn


async def _run(settings: Settings, dsn: str, listening: socket.socket, plan: _Plan) -> int:
    """Show everything, or as much as there is time for before a signal; the exit code."""
    played: list[Played] = []
    showing = asyncio.create_task(_show(settings, dsn, listening, plan, played))

    def stop() -> None:
        if not showing.cancelling():
            showing.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await showing
    return 0 if all(summary(one.results).is_success for one in played) else runtime.REFUSED


async def _show(
    settings: Settings, dsn: str, listening: socket.socket, plan: _Plan, played: list[Played]
) -> None:
    """The whole demonstration; until it is cancelled, unless it is to exit. Each dialogue joins `played`."""
    async with (
        runtime.session(settings, dsn) as session,
        _serving(settings, session, listening) as base_url,
    ):
        organization = await _organization(session, plan.domains)
        ready = Ready(
            scim_base_url=base_url,
            token=await _token(session, organization.id, "demo", Dialect.GENERIC),
            organization=organization.name,
            **await _saml(session, organization, plan, base_url.removesuffix(BASE_PATH)),
        )
        plan.announce(ready)
        console = Console()
        if not plan.empty:
            for peer in PEERS:
                played.append(await _played(session, organization, peer, base_url, plan.domains[0]))  # noqa: PERF401 - one that was played counts, though the next be cut short
            await _report(console, session, organization, played, ready)
        _invite(console, ready)
        if not plan.exits:
            console.print("Stop with Ctrl-C.")
            await asyncio.Event().wait()


@asynccontextmanager
async def _serving(settings: Settings, session: Session, listening: socket.socket) -> AsyncGenerator[str]:
    """The application on loopback; its SCIM base URL."""
    public_url = f"http://{_HOST}:{listening.getsockname()[1]}"
    surroundings = Surroundings(public_url=public_url, secret=secret_of(settings))
    async with application(settings, session.database, surroundings) as app:
        runner = bounded_runner(app, idle_seconds=settings.idle_seconds, drain_seconds=_DRAIN_S)
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            yield public_url + BASE_PATH
        finally:
            await runner.cleanup()


async def _organization(session: Session, domain_names: tuple[str, ...]) -> Organization:
    """The demo's organisation with these Email Domains: made now, or found from an earlier run."""
    try:
        organization = await organizations.find(session.database, ORGANIZATION)
    except NotFound:
        async with session.work() as work:
            organization = await organizations.create(work, name=ORGANIZATION, title="Demonstration")
    present = {entry.domain for entry in await domains.every(session.database, organization.id)}
    for name in dict.fromkeys(parse_domain(name) for name in domain_names):
        if name not in present:
            async with session.work(organization.id) as work:
                await domains.add(work, name, public_override=True)
    return organization


async def _saml(session: Session, organization: Organization, plan: _Plan, public_url: str) -> dict[str, str]:
    """What the ready file says of SAML; nothing where nobody signs in by it."""
    if plan.provider is None:
        return {}
    domain = parse_domain(plan.domains[0])
    ours = await demo_saml.connect(session, organization.id, domain, plan.provider, public_url)
    return {
        "saml_acs_url": ours.acs_url,
        "saml_entity_id": ours.entity_id,
        "saml_login_url": ours.login_url,
    }


async def _token(session: Session, organization: OrganizationId, name: str, dialect: Dialect) -> str:
    """A fresh token of the connection of that name, which is made if it is missing."""
    connection = await _connection(session, organization, name, dialect)
    async with session.work(organization) as work:
        _, secret = await tokens.issue(work, connection)
    return secret


async def _connection(
    session: Session, organization: OrganizationId, name: str, dialect: Dialect
) -> Connection:
    try:
        return await connections.find(session.database, organization, name)
    except NotFound:
        async with session.work(organization) as work:
            return await connections.create(work, name=name, dialect=dialect)


async def _played(
    session: Session, organization: Organization, peer: str, base_url: str, domain: str
) -> Played:
    dialogue = load(peer)
    token = await _token(session, organization.id, peer, Dialect(peer))
    connection = await connections.find(session.database, organization.id, peer)
    before = await store.tally(session.database, organization.id, connection.id)
    steps = play(dialogue, base_url=base_url, token=token, domain=domain, run=secrets.token_hex(4))
    results = tuple([result async for result in steps])
    after = await store.tally(session.database, organization.id, connection.id)
    return Played(dialogue=dialogue, results=results, tally=Counter(after) - Counter(before))


async def _report(
    console: Console,
    session: Session,
    organization: Organization,
    played: list[Played],
    ready: Ready,
) -> None:
    for one in played:
        if not summary(one.results).is_success:
            show(one.dialogue, one.results, console)
    console.print(providers_table(played))
    console.print(await directory_table(ready.scim_base_url, ready.token))
    console.print(log_table(await store.tally(session.database, organization.id)))


def _invite(console: Console, ready: Ready) -> None:
    console.print("\n[bold]Paste into Okta or Microsoft Entra ID[/bold]")
    console.print(f"  SCIM base URL (tenant URL)  {ready.scim_base_url}", highlight=False, soft_wrap=True)
    console.print(f"  API token (secret token)    {ready.token}", highlight=False, soft_wrap=True)
    if ready.saml_login_url is not None:
        console.print("\n[bold]Paste into the SAML identity provider[/bold]")
        for name, value in (
            ("ACS URL (reply URL)", ready.saml_acs_url),
            ("entity ID (audience)", ready.saml_entity_id),
            ("people sign in at", ready.saml_login_url),
        ):
            console.print(f"  {name:<27} {value}", highlight=False, soft_wrap=True)
