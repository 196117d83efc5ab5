"""The resources that RFC 7643 shows in section 8, as a client would send them.

Shortened where only length is lost: one address instead of two, a certificate of a few bytes. Its
users are called `bjensen`, so the organisation they are created in takes any `userName`; the Email
Domain rule then looks at the primary address.
"""

from typing import Any

from scimserver.directory.organizations import Addresses
from tests.serving import ENTERPRISE, USER, Installation, ScimClient

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

MINIMAL_USER: dict[str, Any] = {"schemas": [USER], "userName": "bjensen@example.com"}
"""Section 8.1."""

FULL_USER: dict[str, Any] = {
    "schemas": [USER],
    "externalId": "701984",
    "userName": "bjensen@example.com",
    "name": {
        "formatted": "Ms. Barbara J Jensen, III",
        "familyName": "Jensen",
        "givenName": "Barbara",
        "middleName": "Jane",
        "honorificPrefix": "Ms.",
        "honorificSuffix": "III",
    },
    "displayName": "Babs Jensen",
    "nickName": "Babs",
    "profileUrl": "https://login.example.com/bjensen",
    "emails": [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ],
    "addresses": [
        {
            "type": "work",
            "streetAddress": "100 Universal City Plaza",
            "locality": "Hollywood",
            "region": "CA",
            "postalCode": "91608",
            "country": "US",
            "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA",
            "primary": True,
        }
    ],
    "phoneNumbers": [
        {"value": "555-555-5555", "type": "work"},
        {"value": "555-555-4444", "type": "mobile"},
    ],
    "ims": [{"value": "someaimhandle", "type": "aim"}],
    "photos": [
        {"value": "https://photos.example.com/profilephoto/72930000000Ccne/F", "type": "photo"},
        {"value": "https://photos.example.com/profilephoto/72930000000Ccne/T", "type": "thumbnail"},
    ],
    "userType": "Employee",
    "title": "Tour Guide",
    "preferredLanguage": "en-US",
    "locale": "en-US",
    "timezone": "America/Los_Angeles",
    "active": True,
    "password": "t1meMa$heen",
    "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAw"}],
}
"""Section 8.2, without what only the service provider gives; the country as erratum 5990 has it."""

ENTERPRISE_USER: dict[str, Any] = {
    **FULL_USER,
    "schemas": [USER, ENTERPRISE],
    ENTERPRISE: {
        "employeeNumber": "701984",
        "costCenter": "4130",
        "organization": "Universal Studios",
        "division": "Theme Park",
        "department": "Tour Operations",
    },
}
"""Section 8.3, but for the manager, whom each test makes first."""

MANAGER: dict[str, Any] = {"schemas": [USER], "userName": "jsmith", "displayName": "John Smith"}

GROUP_NAME = "Tour Guides"
MEMBER_NAMES = ("Babs Jensen", "Mandy Pepperidge")
"""Section 8.4: who is in the group."""


async def free_client(installation: Installation) -> ScimClient:
    """A tolerant connection of an organisation that takes the RFCs' user names."""
    return await installation.client(await installation.organization(addresses=Addresses.FREE))
