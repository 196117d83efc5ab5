"""Made-up people: the users that Okta creates, with names as they occur. Pure: a number is a person.

The body holds what Okta's POST always holds (`groups`, a placeholder password, `externalId`,
`locale`, `displayName`, `active`) and the attributes of a filled profile: 1.4 KB.
"""

from dataclasses import dataclass
from typing import Final

from scimserver.directory.users.model import CORE, ENTERPRISE, Document

_GIVEN: Final = (
    "Ada", "Amina", "Anders", "Björn", "Carlos", "Chloé", "Daniel", "Elena", "Fatima", "Grace", "Hannah",
    "Hiroshi", "Irene", "Ivan", "James", "Jürgen", "Kwame", "Laura", "Liam", "Mei", "Mohammed", "Nadia",
    "Noah", "Olga", "Priya", "Quentin", "Rosa", "Sofia", "Tomasz", "Uma", "Viktor", "Wei", "Xenia", "Yusuf",
    "Zoë",
)  # fmt: skip
_FAMILY: Final = (
    "Andersson", "Brown", "Chen", "Díaz", "Evans", "Fischer", "García", "Haddad", "Ito", "Jansen",
    "Kowalski", "Lee", "Müller", "Nakamura", "O'Brien", "Okafor", "Patel", "Quispe", "Rossi", "Schmidt",
    "Silva", "Smith", "Tanaka", "Usman", "Virtanen", "Wagner", "Williams", "Xu", "Yamamoto", "Zhang",
    "Østergård",
)  # fmt: skip
_TITLES: Final = ("Support Engineer", "Account Manager", "Team Lead", "Analyst", "Consultant", "Director")
_DEPARTMENTS: Final = ("Support", "Sales", "Field Service", "Engineering", "Finance", "Customer Success")
_CITIES: Final = (
    ("Berlin", "BE", "10115", "DE", "de-DE", "Europe/Berlin"),
    ("San Francisco", "CA", "94105", "US", "en-US", "America/Los_Angeles"),
    ("Osaka", "Osaka", "530-0001", "JP", "ja-JP", "Asia/Tokyo"),
    ("São Paulo", "SP", "01310-100", "BR", "pt-BR", "America/Sao_Paulo"),
)
_PLAIN: Final = str.maketrans("áéíóúäöüåøëñç' ", "aeiouaouaoenc--")


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """People of one organisation, by number; `series` keeps those of different origin apart."""

    domain: str
    series: str = "u"

    def user_name(self, number: int) -> str:
        """The address of a person."""
        given, family = _names(number)
        local = f"{given}.{family}.{self.series}{number:010}".lower().translate(_PLAIN)
        return f"{local}@{self.domain}"

    def external_id(self, number: int) -> str:
        """What Okta calls the person."""
        return f"00u{self.series}{number:010}T6h7"

    def document(self, number: int) -> Document:
        """The person as Okta's POST describes them, without what a server never stores."""
        given, family = _names(number)
        address = self.user_name(number)
        return {
            "schemas": [CORE, ENTERPRISE],
            "userName": address,
            "externalId": self.external_id(number),
            "name": {
                "formatted": f"{given} {family}",
                "givenName": given,
                "familyName": family,
                "middleName": "Alexis",
            },
            "displayName": f"{given} {family}",
            "nickName": given,
            "title": _TITLES[number % len(_TITLES)],
            "userType": "Employee",
            "active": True,
            "emails": [
                {"primary": True, "value": address, "type": "work"},
                {"value": f"{given.lower().translate(_PLAIN)}{number:010}@mail.example.net", "type": "home"},
            ],
            "phoneNumbers": [
                {"value": f"+1 555 {number:010}", "type": "work", "primary": True},
                {"value": f"+1 556 {number:010}", "type": "mobile"},
            ],
            **_place(number),
            ENTERPRISE: {
                "employeeNumber": f"{number:010}",
                "costCenter": f"CC-{number % 89:03}",
                "organization": "Example Customer Experience Incorporated",
                "division": "International Operations and Customer Care",
                "department": _DEPARTMENTS[number // 3 % len(_DEPARTMENTS)],
            },
        }

    def okta_body(self, number: int) -> Document:
        """The body of Okta's POST."""
        return self.document(number) | {"groups": [], "password": f"Pw-1mz050nq-{number}"}


def _place(number: int) -> Document:
    locality, region, postal_code, country, locale, timezone = _CITIES[number // 7 % len(_CITIES)]
    street = f"{number % 997 + 1} First Street"
    address = {
        "type": "work",
        "streetAddress": street,
        "locality": locality,
        "region": region,
        "postalCode": postal_code,
        "country": country,
        "formatted": f"{street}, {locality}, {region} {postal_code}, {country}",
        "primary": True,
    }
    return {"preferredLanguage": locale, "locale": locale, "timezone": timezone, "addresses": [address]}


def _names(number: int) -> tuple[str, str]:
    return _GIVEN[number % len(_GIVEN)], _FAMILY[number // len(_GIVEN) % len(_FAMILY)]
