"""SAML connections as commands show them."""

from collections.abc import Iterable
from datetime import datetime

from scimserver.access.saml.place import addresses_of
from scimserver.cli import show
from scimserver.cli.runtime import Session
from scimserver.directory.organizations import Organization
from scimserver.directory.saml import Certificate, Key, SamlConnection
from scimserver.kernel.facts import Change, Json


def in_words(changes: Iterable[Change]) -> list[str]:
    """What changes, a line for each."""
    return [f"{change.path}: {_worded(change.old)} → {_worded(change.new)}" for change in changes]


def _worded(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or show.NOTHING
    return show.NOTHING if value is None else str(value)


def tell(session: Session, organization: Organization, found: SamlConnection, *, as_json: bool) -> None:
    """Show one connection."""
    now = session.room.clock()
    told = as_object(session, organization, found)
    if as_json:
        show.document(told)
        return
    in_lines = {
        "metadataPending": "; ".join(in_words(found.seen.pending)) or show.NOTHING,
        "certificates": "; ".join(_line(each, now) for each in found.provider.certificates) or show.NOTHING,
        "keys": "; ".join(f"{key.role.value}: {_line(key.certificate, now)}" for key in found.keys)
        or show.NOTHING,
    }
    show.fields({name: _worded(value) for name, value in told.items()} | in_lines)


def _line(certificate: Certificate, now: datetime) -> str:
    return f"{certificate.subject}, {until(certificate, now)}, SHA-256 {certificate.sha256}"


def until(certificate: Certificate, now: datetime) -> str:
    """Until when a certificate is good, and for how many days."""
    return f"until {show.moment(certificate.not_after)}, {certificate.days_left(now)} days left"


def standing(found: SamlConnection) -> str:
    """What was last seen at the address of a connection's metadata."""
    if found.seen.pending:
        return "differs: see `saml refresh`"
    if found.seen.failure is not None:
        return "cannot be read: see `saml show`"
    return show.moment(found.seen.checked)


def as_object(session: Session, organization: Organization, found: SamlConnection) -> dict[str, Json]:
    """One connection, as JSON has it."""
    wanted, provider, now = found.wanted, found.provider, session.room.clock()
    return {
        "id": str(found.id),
        "name": wanted.name,
        "state": found.state.value,
        "entityId": provider.entity_id,
        "ssoUrl": provider.sso_url,
        "metadataUrl": wanted.metadata_url,
        "fetched": show.stamp(found.fetched),
        "tried": show.stamp(found.tried),
        "allowUnsolicited": wanted.allow_unsolicited,
        "authenticatedWithinHours": wanted.authenticated_within.total_seconds() / 3600,
        "resetUri": wanted.reset_uri,
        "contact": wanted.contact or None,
        "metadataChecked": show.stamp(found.seen.checked),
        "metadataFailure": found.seen.failure,
        "metadataPending": [
            {"path": each.path, "old": each.old, "new": each.new} for each in found.seen.pending
        ],
        "signRequests": wanted.sign_requests,
        "jit": wanted.jit,
        "externalIdAttribute": wanted.external_id_attribute,
        "takesNames": wanted.takes_names,
        "certificates": [_certificate(each, now) for each in provider.certificates],
        "keys": [key_object(each, now) for each in found.keys],
        **_addresses(session, organization, found),
    }


def key_object(key: Key, now: datetime) -> dict[str, Json]:
    """A key of ours, as JSON has it: of its private part, nothing."""
    return {
        "role": key.role.value,
        "created": show.stamp(key.created),
        **_certificate(key.certificate, now),
        "certificate": key.certificate.pem,
    }


def _certificate(certificate: Certificate, now: datetime) -> dict[str, Json]:
    return {
        "sha256": certificate.sha256,
        "subject": certificate.subject,
        "notAfter": show.stamp(certificate.not_after),
        "daysLeft": certificate.days_left(now),
    }


def _addresses(session: Session, organization: Organization, found: SamlConnection) -> dict[str, Json]:
    """What the identity provider has to know of us; nothing where it is not set where we are reached."""
    public_url = session.settings.public_url
    if public_url is None:
        return {}
    ours = addresses_of(public_url, organization.id, found.id)
    return {"ourEntityId": ours.entity_id, "ourAcsUrl": ours.acs_url, "ourLoginUrl": ours.login_url}
