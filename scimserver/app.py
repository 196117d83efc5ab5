"""The composition root: the only module that sees everything."""

import secrets
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from scimserver.access.candidates import Candidates
from scimserver.access.credentials import Credentials
from scimserver.access.gate import Gate
from scimserver.access.guesses import Guesses
from scimserver.access.login import Login
from scimserver.access.refusals import Refusals
from scimserver.access.saml.desk import SamlDesk
from scimserver.access.saml.fetch import Fetcher
from scimserver.access.throttle import Accounts, Limits, Throttle
from scimserver.access.usage import Usage
from scimserver.config import Settings
from scimserver.console.cookies import Cookies
from scimserver.console.face import ConsoleFace
from scimserver.console.render import Styles
from scimserver.console.saml import SamlFace
from scimserver.console.visit import Services
from scimserver.db.pool import Database
from scimserver.directory.mail import of_organization
from scimserver.directory.passwords import PasswordDesk
from scimserver.directory.passwords.settings import desk_of, hasher_of
from scimserver.directory.recovery import Codes
from scimserver.directory.reset_requests import ResetRequests
from scimserver.directory.saml import Safe
from scimserver.http import health
from scimserver.http.place import place_of
from scimserver.http.requestid import ROUTE
from scimserver.kernel.clock import Clock, utc_now
from scimserver.product.face import ProductFace
from scimserver.scim.face import BASE_PATH, ScimFace
from scimserver.scim.reads import Reads
from scimserver.scim.service import ProvisioningService
from scimserver.telemetry import Metrics, observing
from scimserver.work import WorkRoom
from scimserver.workers.mail import Letterhead, MailWorker
from scimserver.workers.mailserver import Security, Sender, parse_sender
from scimserver.workers.metadata import MetadataWorker
from scimserver.workers.post import Folder, Post, Smtp
from scimserver.workers.tidying import Tidying

TIDYING: Final = web.AppKey("tidying", Tidying)
MAIL: Final = web.AppKey("mail", MailWorker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an application cannot make itself: the same for all processes behind one port."""

    public_url: str
    secret: bytes
    multiprocess_dir: str | None = None
    accounts: Accounts | None = None
    """What limits count over all processes; None where there is one."""
    seat: int = 0
    """Which of the processes this is."""
    clock: Clock = utc_now


def secret_of(settings: Settings) -> bytes:
    """The secret that seals cursors: the operator's, or one that lasts until the server stops."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    return secrets.token_bytes(32)


@asynccontextmanager
async def application(
    settings: Settings, database: Database, surroundings: Surroundings
) -> AsyncGenerator[web.Application]:
    """The whole application over an open database, tidying until the block ends."""
    room = WorkRoom(database, clock=surroundings.clock)
    refusals, usage, hasher = Refusals(), Usage(), hasher_of(settings, processes=settings.workers)
    desk = desk_of(settings, hasher)
    metrics = Metrics(multiprocess_dir=surroundings.multiprocess_dir)
    app = web.Application(middlewares=[observing(metrics)])
    throttle = _throttle(settings, surroundings, metrics)
    await throttle.recall(database, surroundings.clock())
    gate = Gate(
        credentials=Credentials(database, trusted_for=settings.credentials_trusted_for),
        throttle=throttle,
        usage=usage,
        clock=surroundings.clock,
    )
    face = ScimFace(
        room=room,
        gate=gate,
        body_seconds=settings.body_seconds,
        reads=Reads(database),
        desk=desk,
        refusals=refusals,
        base_url=surroundings.public_url + BASE_PATH,
        trusted_proxies=settings.trusted_proxies,
        tolerant=ProvisioningService(strict=False, secret=surroundings.secret),
        strict=ProvisioningService(strict=True, secret=surroundings.secret),
    )
    face.add_routes(app)
    services = _services(settings, surroundings, room, refusals, desk)
    ConsoleFace(services).add_routes(app)
    saml = SamlDesk(Safe(surroundings.secret))
    SamlFace(services, saml, throttle).add_routes(app)
    product = ProductFace(
        room=room,
        login=services.login,
        gate=gate,
        refusals=refusals,
        issuer=surroundings.public_url,
        trusted_proxies=settings.trusted_proxies,
        body_seconds=settings.body_seconds,
    )
    product.add_routes(app)
    health.add_routes(app, database)
    _add_metrics(app, metrics)
    tidying = Tidying(room=room, refusals=refusals, usage=usage, outbox_retention=settings.outbox_retention)
    app[TIDYING] = tidying
    mail = _mail(settings, surroundings, room, refusals, metrics)
    app[MAIL] = mail
    metadata = MetadataWorker(room=room, fetch=Fetcher().fetch)
    try:
        async with tidying.running(), mail.running(), metadata.running():
            yield app
    finally:
        hasher.close()
        saml.close()


def _mail(
    settings: Settings, surroundings: Surroundings, room: WorkRoom, refusals: Refusals, metrics: Metrics
) -> MailWorker:
    host = urlsplit(surroundings.public_url).hostname or "localhost"
    sender = parse_sender(settings.mail_from) if settings.mail_from else Sender(address=f"no-reply@{host}")
    server = settings.mail_server
    if server is None:
        post: Post = Folder(path=settings.mail_folder)
    else:
        encrypted = server.security is not Security.NONE
        tls = ssl.create_default_context(cafile=settings.smtp_ca) if encrypted else None
        post = Smtp(server=server, own_name=host, tls=tls)
    return MailWorker(
        room=room,
        requests=ResetRequests(room, surroundings.secret),
        refusals=refusals,
        post=post,
        letterhead=Letterhead(public_url=surroundings.public_url, sender=sender),
        budget=of_organization(settings.mail_budget),
        told=metrics.mailed,
        waiting=metrics.mail_waits,
    )


def _services(
    settings: Settings, surroundings: Surroundings, room: WorkRoom, refusals: Refusals, desk: PasswordDesk
) -> Services:
    secret, place = surroundings.secret, place_of(surroundings.public_url)
    guesses, candidates = Guesses(room, refusals, secret), Candidates(room.database, secret)
    return Services(
        room=room,
        login=Login(room, desk.hasher, candidates, guesses, refusals, Codes(secret)),
        candidates=candidates,
        guesses=guesses,
        desk=desk,
        requests=ResetRequests(room, secret),
        refusals=refusals,
        place=place,
        cookies=Cookies(place),
        styles=Styles(),
        trusted_proxies=settings.trusted_proxies,
        body_seconds=settings.body_seconds,
    )


def _throttle(settings: Settings, surroundings: Surroundings, metrics: Metrics) -> Throttle:
    limits = Limits(
        rate=settings.rate_limit,
        burst=settings.rate_burst,
        failures=settings.failure_burst,
        failure_seconds=settings.failure_seconds,
    )
    accounts = surroundings.accounts or Accounts(processes=1, salt=surroundings.secret)
    return Throttle(limits, accounts, seat=surroundings.seat, told=metrics.refused)


def _add_metrics(app: web.Application, metrics: Metrics) -> None:
    async def expose(request: web.Request) -> web.Response:
        request[ROUTE] = "/metrics"
        body, media_type = metrics.exposition()
        return web.Response(body=body, headers={"Content-Type": media_type})

    app.router.add_get("/metrics", expose)
