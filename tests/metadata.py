"""Metadata of identity providers, as tests of what is made of it write it."""

from tests.responses.provider import signer

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


def key(certificate: str, use: str = 'use="signing"') -> str:
    """The descriptor of a certificate."""
    inside = "".join(certificate.splitlines()[1:-1])
    return (
        f'<md:KeyDescriptor {use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{inside}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def metadata(
    *,
    entity_id: str = "https://idp.example.com",
    location: str = "https://idp.example.com/sso",
    binding: str = REDIRECT,
    keys: str | None = None,
    attributes: str = "",
    role: str = "IDPSSODescriptor",
    role_attributes: str = "",
) -> str:
    """The metadata of one provider; the default is one that can be used."""
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}"'
        f" {attributes}><md:{role} {role_attributes}"
        f' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f"{key(signer().certificate) if keys is None else keys}"
        f'<md:SingleSignOnService Binding="{POST}" Location="https://idp.example.com/post"/>'
        f'<md:SingleSignOnService Binding="{binding}" Location="{location}"/>'
        f"</md:{role}></md:EntityDescriptor>"
    )
