"""Every leniency in bodies: what clients do that the RFCs do not say, who does, and where that is told.

A deviation that is not listed is not meant to be understood. All are understood from every client,
whatever its dialect: none harms another. On a strict connection nothing is rewritten and the policy is
the RFCs', so those of `Means.BODY`, `Means.FILTER` and `Means.POLICY` are not. `quirks` are the numbers
under which the conformance dialogues cite a client's habit.
Proven by the tests that name each deviation; tests/unit/test_dialects.py finds one that none names.
"""

from dataclasses import dataclass
from enum import StrEnum

OKTA = "Okta"
ENTRA = "Microsoft Entra ID"
ONELOGIN = "OneLogin"
AUTHENTIK = "authentik"


class Means(StrEnum):
    """By what a deviation is understood."""

    BODY = "body"
    """Rewritten before validation (scimserver/scim/normalise.py)."""

    POLICY = "policy"
    """A setting of scim2-models' `ScimPolicy` (scimserver/scim/provider.py)."""

    FILTER = "filter"
    """Rewritten before a filter is parsed (scimserver/scim/filter_dialect.py)."""

    MODEL = "model"
    """Our resource models are wider than the standard's, on strict connections too."""

    LIBRARY = "library"
    """scim2-models understands it always, on strict connections too; only an operation without a path
    never comes so far there (scimserver/scim/strictness.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One thing that clients do differently, and that is understood all the same."""

    name: str
    """Stable: tests and documents refer to it."""

    peers: tuple[str, ...]
    """Who was seen doing it."""

    quirks: tuple[str, ...]
    source: str
    """Where it can be read: GitHub threads as owner/repository#number, or documents."""

    means: Means
    description: str
    """What arrives, and what it is taken for."""


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(
        name="manager-as-text",
        peers=(ENTRA,),
        quirks=("E11", "D9"),
        source="Captain-P-Goldfish/SCIM-SDK#686; MicrosoftDocs/azure-docs#69234",
        means=Means.BODY,
        description="A manager that is the bare id is the manager with that `value`.",
    ),
    Deviation(
        name="manager-emptied",
        peers=(ENTRA,),
        quirks=("E11",),
        source="Captain-P-Goldfish/SCIM-SDK#652",
        means=Means.BODY,
        description='A manager that is "", [], or null in an add, or whose `value` is "", is no manager.',
    ),
    Deviation(
        name="manager-as-list",
        peers=(ENTRA,),
        quirks=("E11",),
        source="Microsoft's SCIM documentation, older editions: request to update a user",
        means=Means.BODY,
        description="A list that holds one manager is that manager.",
    ),
    Deviation(
        name="manager-by-uri",
        peers=(),
        quirks=("E11",),
        source="RFC 7643, section 4.3: $ref is the URI of the resource whose id is `value`",
        means=Means.BODY,
        description="A manager with `$ref` only has the last segment of that URI as its `value`.",
    ),
    Deviation(
        name="manager-without-schema",
        peers=(ENTRA,),
        quirks=("E11",),
        source="Captain-P-Goldfish/SCIM-SDK#652; Microsoft's SCIM documentation, older editions",
        means=Means.BODY,
        description="`manager` outside the enterprise extension is the extension's attribute.",
    ),
    Deviation(
        name="object-for-list",
        peers=(ONELOGIN,),
        quirks=("L1", "D9"),
        source="django-scim2, comment on OneLogin's e-mails",
        means=Means.BODY,
        description="One object for a multi-valued attribute is the list that holds it.",
    ),
    Deviation(
        name="text-for-entry",
        peers=(ENTRA,),
        quirks=("D9",),
        source="AzureAD/SCIMReferenceCode, its collection of requests: members",
        means=Means.BODY,
        description="A bare string in or for a multi-valued attribute is the entry with that `value`.",
    ),
    Deviation(
        name="null-entry",
        peers=(),
        quirks=(),
        source="RFC 7643, section 2.5: null is unassigned",
        means=Means.BODY,
        description="A null among the entries of a multi-valued attribute is no entry.",
    ),
    Deviation(
        name="number-for-text",
        peers=(OKTA,),
        quirks=("O18", "D9"),
        source="Okta's guide to entitlements: externalId and postalCode of the sample user",
        means=Means.BODY,
        description="A whole number for a string is its digits. Decimals are refused: digits get lost.",
    ),
    Deviation(
        name="text-for-boolean",
        peers=(ENTRA,),
        quirks=("E4", "E12", "D9"),
        source="Microsoft's SCIM documentation, known problems of compliance",
        means=Means.LIBRARY,
        description='"True" and "False", in any case, are booleans, in entries too.',
    ),
    Deviation(
        name="wrapped-value",
        peers=(ENTRA,),
        quirks=("D9",),
        source="MicrosoftDocs/azure-docs#42220",
        means=Means.BODY,
        description='PATCH: `[{"value": X}]` for an attribute with a single value is X.',
    ),
    Deviation(
        name="read-only-keys",
        peers=(OKTA, AUTHENTIK),
        quirks=("O11", "A3", "D5"),
        source="Metatavu/keycloak-scim-server PR#113; goauthentik/authentik, groups client",
        means=Means.BODY,
        description="PATCH: `id`, `meta`, `schemas`, `groups` and what else is readOnly is ignored inside a"
        " value. A `path` to them is refused.",
    ),
    Deviation(
        name="filter-in-key",
        peers=(ENTRA,),
        quirks=("E5", "E6"),
        source="Metatavu/keycloak-scim-server#40",
        means=Means.BODY,
        description='PATCH without a path: a key such as `emails[type eq "work"].value` is the path of an'
        " operation of its own, in its turn.",
    ),
    Deviation(
        name="member-twice",
        peers=(),
        quirks=(),
        source="RFC 7643, section 2.4: a value is there once",
        means=Means.BODY,
        description="Of members with the same `value` in one list the first counts.",
    ),
    Deviation(
        name="member-with-display",
        peers=(OKTA,),
        quirks=("O12",),
        source="Okta's SCIM documentation: update group membership",
        means=Means.BODY,
        description="A member's read-only `display` may be sent; the answer's is the directory's own.",
    ),
    Deviation(
        name="member-removed-by-value",
        peers=(ENTRA,),
        quirks=("E7",),
        source="apache/directory-scimple#436; MicrosoftDocs/azure-docs#30826",
        means=Means.BODY,
        description="Removing members by a list: only `value` selects; what stands beside it may be out of"
        " date, and nulls select nobody.",
    ),
    Deviation(
        name="removed-value-repeated",
        peers=(ENTRA,),
        quirks=(),
        source="AzureAD/SCIMReferenceCode PR#87",
        means=Means.BODY,
        description="The `value` of a remove whose path names a single value is ignored.",
    ),
    Deviation(
        name="role-as-json-text",
        peers=(ENTRA,),
        quirks=("E12",),
        source="Captain-P-Goldfish/SCIM-SDK#516; MicrosoftDocs/azure-docs#50772",
        means=Means.BODY,
        description="A role whose `value` is the text of a JSON object is that object's `value`, with its"
        " `displayName` as `display`.",
    ),
    Deviation(
        name="unknown-attributes",
        peers=(ENTRA,),
        quirks=("E9", "D1"),
        source="Microsoft's SCIM documentation, group creation",
        means=Means.POLICY,
        description="Attributes and schemas that are not published are ignored (`unknown`).",
    ),
    Deviation(
        name="removal-by-value",
        peers=(ENTRA, AUTHENTIK),
        quirks=("E7", "A3"),
        source="MicrosoftDocs/azure-docs#30826; thomaspoignant/scim-patch#959",
        means=Means.POLICY,
        description="The `value` of a remove on a multi-valued attribute says which entries go"
        " (`remove_value_as_filter`).",
    ),
    Deviation(
        name="entry-made-by-filter",
        peers=(ENTRA,),
        quirks=("E6", "E12", "D4"),
        source="Captain-P-Goldfish/SCIM-SDK#416; wireapp/wire-server PR#5419",
        means=Means.POLICY,
        description="An add or replace whose filter matches no entry makes the one that its `eq` comparisons"
        " describe (`unmatched_path_filter`).",
    ),
    Deviation(
        name="manager-without-uri",
        peers=(OKTA, ENTRA),
        quirks=("E11",),
        source="RFC 7643, sections 4.3 and 8.7.1, which differ on whether $ref is required",
        means=Means.MODEL,
        description="A manager needs no `$ref`.",
    ),
    Deviation(
        name="any-mail-domain",
        peers=(OKTA,),
        quirks=("O3",),
        source="Okta's SCIM reference: addresses such as user@okta.local",
        means=Means.MODEL,
        description="E-mail entries are kept as sent, special-use domains among them.",
    ),
    Deviation(
        name="photo-as-text",
        peers=(),
        quirks=(),
        source="RFC 7643, section 4.1.2 asks for a URI",
        means=Means.MODEL,
        description="A photo's `value` may be any text.",
    ),
    Deviation(
        name="manager-in-filter",
        peers=(ENTRA,),
        quirks=("E2",),
        source="Microsoft's SCIM documentation: query for a reference attribute",
        means=Means.FILTER,
        description="`manager` in a filter is the enterprise extension's `manager.value`.",
    ),
    Deviation(
        name="operation-in-capitals",
        peers=(ENTRA,),
        quirks=("E3",),
        source="Microsoft's SCIM documentation: Add, Replace, Remove",
        means=Means.LIBRARY,
        description="PATCH: `op` and the names of an operation's members compare without case.",
    ),
    Deviation(
        name="null-reference",
        peers=(ENTRA,),
        quirks=("E7", "E8"),
        source="Microsoft's SCIM documentation, update of a group's members",
        means=Means.LIBRARY,
        description="A `$ref` that is null is none.",
    ),
    Deviation(
        name="path-in-key",
        peers=(ENTRA,),
        quirks=("E5", "D2"),
        source="Microsoft's SCIM documentation, aadOptscim062020",
        means=Means.LIBRARY,
        description="PATCH without a path: keys may be dotted (`name.givenName`) or begin with a schema.",
    ),
)
"""The registry. The order is that of the documentation."""


def table() -> tuple[tuple[str, str, str, str, str], ...]:
    """Rows for the documentation: name, what it means, who does it, by what means, quirks and source."""
    return tuple(
        (
            each.name,
            each.description,
            ", ".join(each.peers),
            each.means.value,
            "; ".join(part for part in (", ".join(each.quirks), each.source) if part),
        )
        for each in DEVIATIONS
    )
