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
class SamlKeyPublished(Fact):
    """The next key for signing requests to an identity provider was made, and is in our metadata."""

    attempt = "saml_key.publish"
    name = "saml_key.published"
    target_kind = TargetKind.SAML_CONNECTION
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlKeySwitched(Fact):
    """The next key signs from now on; the one before is in our metadata still, and signs no more."""

    attempt = "saml_key.switch"
    name = "saml_key.switched"
    target_kind = TargetKind.SAML_CONNECTION
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlKeyRetired(Fact):
    """A key that does not sign left our metadata: the one before, or a next one that was given up."""

    attempt = "saml_key.retire"
    name = "saml_key.retired"
    target_kind = TargetKind.SAML_CONNECTION
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlMetadataDiffers(Fact):
    """An identity provider's metadata is no longer what counts here: an administrator takes it, or not."""

    attempt = "saml_connection.check_metadata"
    name = "saml_connection.metadata_differs"
    target_kind = TargetKind.SAML_CONNECTION
    announced = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlCertificateEnds(Fact):
    """A certificate of an identity provider, or of ours, is good for 30, 7 or 1 more days."""

    attempt = "saml_connection.check_certificates"
    name = "saml_connection.certificate_ends"
    target_kind = TargetKind.SAML_CONNECTION
    announced = True


class SamlLinked(Fact):
    """An identity provider signed a user in for the first time: it is known by which name it does."""

    attempt = "user.link"
    name = "user.linked"
    target_kind = TargetKind.USER
