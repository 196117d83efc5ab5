"""Our models beside the stock ones: what each relaxation lets in, and that the schemas stay RFC 7643's."""

from typing import Any

import pytest
from pydantic import ValidationError
from scim2_models import Attribute, Context, Resource
from scim2_models import EnterpriseUser as StockEnterpriseUser
from scim2_models import Group as StockGroup
from scim2_models import User as StockUser

from scimserver.scim.models import (
    ENTERPRISE_SCHEMA,
    GROUP_SCHEMA,
    USER_SCHEMA,
    EnterpriseUser,
    Group,
    ProvisionedUser,
    User,
)
from scimserver.scim.provider import provider

StockProvisionedUser: type[Resource[Any]] = StockUser[StockEnterpriseUser]


def user(**attributes: Any) -> dict[str, Any]:
    return {"schemas": [USER_SCHEMA], "userName": "ann@example.com", **attributes}


def with_extension(schema: str, **attributes: Any) -> dict[str, Any]:
    return user(schemas=[USER_SCHEMA, schema], **{schema: attributes})


# What the stock model refuses and ours keeps as it was sent, on strict connections too.
RELAXATIONS = [
    pytest.param(user(emails=[{"value": "ann@corp.local"}]), id="e-mail in a special-use domain"),
    pytest.param(user(emails=[{"value": "ann@x.test"}]), id="e-mail in a test domain"),
    pytest.param(user(emails=[{"value": "ann@intranet"}]), id="e-mail at a single label"),
    pytest.param(user(emails=[{"value": "ann"}]), id="e-mail that is no address"),
    pytest.param(user(emails=[{"value": "", "type": "work"}]), id="e-mail that is empty"),
    pytest.param(user(photos=[{"value": "ann.png"}]), id="photo that is no URI"),
    pytest.param(user(photos=[{"value": "", "type": "photo"}]), id="photo that is empty"),
    pytest.param(with_extension(ENTERPRISE_SCHEMA, manager={"value": "2"}), id="manager without $ref"),
    pytest.param(
        with_extension(ENTERPRISE_SCHEMA, manager={"$ref": "https://example.com/scim/v2/Users/2"}),
        id="manager without value",
    ),
]

# (path, characteristic) -> (stock, ours), by schema. Nothing else may differ.
DIFFERENCES: dict[str, dict[tuple[str, str], tuple[Any, Any]]] = {
    USER_SCHEMA: {},
    ENTERPRISE_SCHEMA: {
        # Okta and Entra send `value` alone; the body that has only `$ref` is completed from it.
        ("manager.value", "required"): (True, False),
        ("manager.$ref", "required"): (True, False),
    },
    GROUP_SCHEMA: {
        # Users are in teams, teams are not.
        ("members.$ref", "referenceTypes"): (["User", "Group"], ["User"]),
        ("members.type", "canonicalValues"): (["User", "Group"], ["User"]),
        # Derived from the member: what a client sends there is not stored.
        ("members.display", "mutability"): ("readWrite", "readOnly"),
    },
}
STOCK_AND_OURS = [(StockUser, User), (StockEnterpriseUser, EnterpriseUser), (StockGroup, Group)]
BESIDE_STOCK = pytest.mark.parametrize("stock, ours", STOCK_AND_OURS, ids=["user", "enterprise", "group"])


def created(model: type[Resource[Any]], payload: dict[str, Any]) -> dict[str, Any]:
    """The payload of a POST as the model would answer it."""
    with provider(strict=True):
        resource = model.model_validate(payload, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        return resource.model_dump(scim_ctx=Context.DEFAULT)


def characteristics(attributes: list[Attribute] | None, prefix: str = "") -> dict[tuple[str, str], Any]:
    """Every characteristic of every attribute by (path, name), but the prose."""
    found: dict[tuple[str, str], Any] = {}
    for attribute in attributes or []:
        path = f"{prefix}{attribute.name}"
        declared = attribute.model_dump(scim_ctx=Context.DEFAULT)
        found |= {
            (path, name): value
            for name, value in declared.items()
            if name not in {"name", "description", "subAttributes"}
        }
        found |= characteristics(attribute.sub_attributes, f"{path}.")
    return found


@pytest.mark.parametrize("payload", RELAXATIONS)
def test_stock_model_refuses_what_is_relaxed(payload: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        created(StockProvisionedUser, payload)


@pytest.mark.parametrize("payload", RELAXATIONS)
def test_model_keeps_what_is_relaxed_as_it_was_sent(payload: dict[str, Any]) -> None:
    assert created(ProvisionedUser, payload) == payload


@pytest.mark.parametrize(
    "model, kept",
    [(StockProvisionedUser, "Ann@example.com"), (ProvisionedUser, "Ann@Example.COM")],
    ids=["stock", "ours"],
)
def test_model_rewrites_a_mail_domain_only_where_it_is_the_stock_one(
    model: type[Resource[Any]], kept: str
) -> None:
    answered = created(model, user(emails=[{"value": "Ann@Example.COM"}]))
    assert answered["emails"] == [{"value": kept}]


@BESIDE_STOCK
def test_schema_differs_from_the_stock_one_only_as_named(stock: Any, ours: Any) -> None:
    theirs = characteristics(stock.to_schema().attributes)
    mine = characteristics(ours.to_schema().attributes)
    differing = {
        key: (theirs.get(key), mine.get(key))
        for key in theirs.keys() | mine.keys()
        if theirs.get(key) != mine.get(key)
    }
    assert differing == DIFFERENCES[ours.__schema__]


@BESIDE_STOCK
def test_schema_keeps_name_and_id_of_the_stock_one(stock: Any, ours: Any) -> None:
    theirs, mine = stock.to_schema(), ours.to_schema()
    assert (mine.name, mine.id) == (theirs.name, theirs.id)


@BESIDE_STOCK
def test_schema_keeps_the_order_of_the_stock_one(stock: Any, ours: Any) -> None:
    assert list(characteristics(ours.to_schema().attributes)) == list(
        characteristics(stock.to_schema().attributes)
    )


def test_schema_of_the_whole_user_is_called_user() -> None:
    assert ProvisionedUser.to_schema().name == "User"
