"""What the service is: its models, its resource types, what it announces, what it tolerates.

Two providers, tolerant and strict: a provider's own policy shadows any outer one, so the choice
is made by choosing the provider (RFC 7643, section 5; RFC 7644, section 4).
"""

from functools import cache

from scim2_models import (
    AttributeBinding,
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ETag,
    External,
    Filter,
    Pagination,
    Patch,
    Reference,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    default_comparison_key,
)

from scimserver.kernel.addresses import address_key
from scimserver.scim.models import (
    USER_SCHEMA,
    Case,
    DirectoryUser,
    EnterpriseUser,
    Group,
    ProvisionedUser,
    Role,
    User,
)

MAX_RESULTS = 1000
"""The most resources that one page holds."""

DEFAULT_PAGE_SIZE = 100
CURSOR_TIMEOUT = 3600
"""Seconds for which a cursor of RFC 9865 stays valid."""

_USER_NAME = f"{USER_SCHEMA}:userName"


def comparison_key(binding: AttributeBinding, value: str) -> str:
    """What comparisons use in place of a string: the address rule for `userName`, else NFC and lower case."""
    if binding.urn == _USER_NAME:
        return address_key(value)
    return default_comparison_key(binding, value)


TOLERANT = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
    comparison_key=comparison_key,
)
STRICT = ScimPolicy(comparison_key=comparison_key)


def _config() -> ServiceProviderConfig:
    """Exactly what is implemented; limits are there even for what is not (authentik reads them)."""
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MAX_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        pagination=Pagination(
            cursor=True,
            index=True,
            default_pagination_method=Pagination.DefaultPaginationMethod.index,
            default_page_size=DEFAULT_PAGE_SIZE,
            max_page_size=MAX_RESULTS,
            cursor_timeout=CURSOR_TIMEOUT,
        ),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="A token that an operator makes for the connection (RFC 6750).",
                spec_uri=Reference[External]("https://www.rfc-editor.org/info/rfc6750"),
                primary=True,
            )
        ],
    )


@cache
def provider(*, strict: bool) -> ScimProvider:
    """The service as strict or tolerant connections meet it. Built once: models cost 0.1 s."""
    return ScimProvider(
        models=[User, EnterpriseUser, DirectoryUser, Group, Role, Case],
        resource_types=[
            ResourceType.from_resource(ProvisionedUser),
            ResourceType.from_resource(Group),
            ResourceType.from_resource(Role),
            ResourceType.from_resource(Case),
        ],
        config=_config(),
        policy=STRICT if strict else TOLERANT,
    )
