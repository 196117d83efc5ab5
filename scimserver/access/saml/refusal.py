"""Why a SAML response lets nobody in. The reason is for the log alone: whoever sent it learns a number."""

from enum import StrEnum

from scimserver.kernel.errors import Refused


class Why(StrEnum):
    """What is wrong with a response. Values are logged: never rename one."""

    MALFORMED = "saml_malformed"
    """It is no SAML response at all, or larger than any."""

    FORBIDDEN_XML = "saml_forbidden_xml"
    """It holds what no response needs, and attacks are made of: a DTD, a comment, an object."""

    DUPLICATE_ID = "saml_duplicate_id"
    """Two of its elements have one id, so that a signature could mean either."""

    ALGORITHM = "saml_algorithm"
    """It is signed, transformed or encrypted in a way that is not taken."""

    STATUS = "saml_status"
    """The identity provider did not let anybody in."""

    SIGNATURE = "saml_signature"
    """The assertion is not signed by the identity provider."""

    SCHEMA = "saml_schema"
    """It is not built as the standard says."""

    ISSUER = "saml_issuer"
    """It is another identity provider's."""

    DESTINATION = "saml_destination"
    """It is meant for another address."""

    AUDIENCE = "saml_audience"
    """It is meant for another service."""

    CONFIRMATION = "saml_confirmation"
    """Nothing says who may show it, where, or until when."""

    TIME = "saml_time"
    """It is too old, or not good yet."""

    SUBJECT = "saml_subject"
    """It does not name one person in a way that can be kept."""

    REQUEST = "saml_request"
    """Nobody asked for it in this browser, or it came before."""

    REPLAY = "saml_replay"
    """It was used before."""

    CONNECTION = "saml_connection"
    """The connection signs nobody in, or was changed while somebody signed in."""

    UNKNOWN = "saml_unknown"
    """There is no user of that name, and none is added; or it is a clone's."""

    DOMAIN = "saml_domain"
    """The address is in no domain that the organisation has proved to be its own."""

    INACTIVE = "saml_inactive"
    """The user is deactivated."""

    NOT_MANAGED = "saml_not_managed"
    """The user signs in otherwise: by a password, or by another connection."""

    OTHER_NAME = "saml_other_name"
    """The identity provider knows the user by another name."""


class ResponseRefused(Refused):
    """Nobody is let in by the response; `why` and `detail` are for the log, not for whoever sent it."""

    reason = "saml_refused"
    """Each has that of its `why` instead."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why = why
        self.reason = why.value
