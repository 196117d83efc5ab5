"""What happens to SAML connections."""

from dataclasses import dataclass

from scimserver.kernel.facts.fact import Fact, Outcome, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlConnectionCreated(Fact):
    """An organisation was given a SAML connection; certificates are told by their fingerprints."""

    attempt = "saml_connection.create"
    name = "saml_connection.created"
    target_kind = TargetKind.SAML_CONNECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlConnectionUpdated(Fact):
    """A SAML connection has other metadata, or other settings."""

    attempt = "saml_connection.update"
    name = "saml_connection.updated"
    target_kind = TargetKind.SAML_CONNECTION
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlConnectionUnchanged(Fact):
    """An update of a SAML connection asked for what was already so."""

    attempt = "saml_connection.update"
    name = "saml_connection.unchanged"
    target_kind = TargetKind.SAML_CONNECTION
    outcome = Outcome.NOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlConnectionSwitched(Fact):
    """A SAML connection went from one state to another: drawn up, tried out, in use, out of use."""

    attempt = "saml_connection.switch"
    name = "saml_connection.switched"
    target_kind = TargetKind.SAML_CONNECTION
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlTried(Fact):
    """Somebody who manages SAML tried a connection out; nobody was signed in by it."""

    attempt = "saml_connection.try"
    name = "saml_connection.tried"
    target_kind = TargetKind.SAML_CONNECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlLinked(Fact):
    """An identity provider signed a user in for the first time: it is known by which name it does."""

    attempt = "user.link"
    name = "user.linked"
    target_kind = TargetKind.USER
