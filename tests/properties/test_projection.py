"""Projection against its oracle: what scim2-models dumps for the same resource and parameters."""

from copy import deepcopy
from datetime import datetime
from typing import Annotated, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Base64Bytes, ValidationError
from scim2_models import (
    URN,
    ComplexAttribute,
    Context,
    Error,
    Extension,
    Path,
    Reference,
    Resource,
    ResponseParameters,
    Returned,
    SCIMException,
)
from scim2_models.resources.resource import AnyExtension

from scimserver.scim.models import Group, ProvisionedUser
from scimserver.scim.projection import projector
from scimserver.scim.provider import provider


class Chip(ComplexAttribute):
    serial: Annotated[str | None, Returned.always] = None
    pin: Annotated[str | None, Returned.never] = None
    notes: Annotated[str | None, Returned.request] = None
    maker: str | None = None


class Key(ComplexAttribute):
    seed: Annotated[str | None, Returned.never] = None


class Printed(Extension):
    __schema__ = URN("urn:example:params:scim:schemas:extension:printed:2.0:Badge")

    serial: Annotated[str | None, Returned.always] = None
    notes: Annotated[str | None, Returned.request] = None
    colour: str | None = None
    chip: Chip | None = None


class Sealed(Extension):
    __schema__ = URN("urn:example:params:scim:schemas:extension:sealed:2.0:Badge")

    colour: str | None = None
    chip: Chip | None = None


class Badge(Resource[AnyExtension]):
    """Each `returned` at each level, which the resources of the service do not have."""

    __schema__ = URN("urn:example:params:scim:schemas:core:2.0:Badge")

    number: str | None = None
    serial: Annotated[str | None, Returned.always] = None
    secret: Annotated[str | None, Returned.never] = None
    notes: Annotated[str | None, Returned.request] = None
    chip: Chip | None = None
    chips: list[Chip] | None = None
    spare: Annotated[Chip | None, Returned.request] = None
    first: Annotated[Chip | None, Returned.always] = None
    key: Key | None = None


MODELS: list[type[Resource[Any]]] = [
    ProvisionedUser,
    Group,
    Badge[Printed | Annotated[Sealed, Returned.request]],
]
EVERY_MODEL = pytest.mark.parametrize("model", MODELS, ids=["user", "group", "badge"])
CASES = st.sampled_from([str, str, str.upper, str.lower, str.swapcase])
PADDING = st.sampled_from(["", "", " ", "\t"])
MALFORMED = st.text(alphabet='aUn.:[]$_- ,"1é', max_size=12) | st.sampled_from(
    [
        "emails.value.x",
        'emails[type eq "work"]',
        'userName eq "x"',
        "userName pr",
        "urn:x:y",
        "urn:a:b:c",
        "2.0",
    ]
)


def full(model: type[Any], text: str, flag: bool) -> dict[str, Any]:
    """A payload in which every attribute of the model has a value."""
    payload: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = field.serialization_alias
        if key == "schemas":
            continue
        value = _value(model.get_field_root_type(name), text, flag)
        multiple = model.get_field_multiplicity(name)
        payload[key] = _entries(value) if multiple else value
    return payload


def _value(root: Any, text: str, flag: bool) -> Any:
    if isinstance(root, type) and issubclass(root, ComplexAttribute | Extension):
        return full(root, text, flag)
    if isinstance(root, type) and issubclass(root, Reference):
        return "https://example.com/thing"
    return {bool: flag, datetime: "2026-01-02T03:04:05Z", Base64Bytes: "aGVsbG8="}.get(root, text)


def _entries(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Entries of different shapes: a whole one, and one for the first and for the last part."""
    first, *_, last = entry
    return [entry, {first: entry[first]}, {last: entry[last]}]


def keys(value: Any) -> set[str]:
    """Every key at any depth."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    return set(value).union(*map(keys, value.values())) if isinstance(value, dict) else set()


def without(value: Any, dropped: set[str]) -> Any:
    if isinstance(value, list):
        return [without(entry, dropped) for entry in value]
    if isinstance(value, dict):
        return {key: without(part, dropped) for key, part in value.items() if key not in dropped}
    return value


@st.composite
def resources(draw: st.DrawFn, model: type[Resource[Any]]) -> Resource[Any]:
    payload = full(model, draw(st.sampled_from(["x", ""])), draw(st.booleans()))
    dropped = draw(st.sets(st.sampled_from(sorted(keys(payload))), max_size=12))
    schemas = [
        model.__schema__,
        *draw(st.sets(st.sampled_from(["urn:example:unknown", "urn:example:other"]))),
    ]
    with provider(strict=False):
        return model.model_validate({"schemas": schemas} | without(payload, dropped))


def whole(resource: Resource[Any]) -> dict[str, Any]:
    """The full document: all that the resource holds."""
    with provider(strict=False):
        return resource.model_dump(scim_ctx=Context.DEFAULT)


def vocabulary(model: type[Resource[Any]]) -> list[str]:
    """Every path of the schema in every form, and names that name nothing or more than one thing."""
    core = str(model.__schema__)
    meta = ["meta", "meta.location", "meta.version", "meta.nothing"]
    paths = [*map(str, Path[model].iter_paths()), "id", "schemas", *meta]
    qualified = [path if ":" in path else f"{core}:{path}" for path in paths]
    short = [path.rpartition(":")[2] for path in qualified]
    schemas = [core, *model.get_extension_models()]
    vague = [
        "urn:example:params:scim",
        "urn:example:params:scim:schemas",
        "urn:ietf:params:scim:schemas",
        "urn",
        "user",
        "badge",
    ]
    unknown = ["nothing", "user_name", "urn:example:nothing:nothing", "name.nothing", "emails.nothing"]
    within = [f"{path}.nothing" for path in [*short, *qualified] if "." not in path.rpartition(":")[2]]
    beside = [f"{schema}:nothing" for schema in schemas]
    return [*paths, *qualified, *short, *schemas * 4, *vague, *unknown, *within, *beside]


@st.composite
def lists(draw: st.DrawFn, model: type[Resource[Any]]) -> str:
    names = draw(st.lists(st.sampled_from(vocabulary(model)) | st.just(""), max_size=6))
    return ",".join(f"{draw(PADDING)}{draw(CASES)(name)}{draw(PADDING)}" for name in names)


@st.composite
def parameters(draw: st.DrawFn, model: type[Resource[Any]]) -> tuple[str | None, str | None]:
    asked = draw(lists(model))
    return draw(st.sampled_from([(asked, None), (None, asked), (asked, ""), (",", asked)]))


def query(attributes: str | None, excluded: str | None) -> dict[str, str]:
    sent = {"attributes": attributes, "excludedAttributes": excluded}
    return {name: value for name, value in sent.items() if value is not None}


def dumped(resource: Resource[Any], sent: dict[str, str]) -> dict[str, Any]:
    """The oracle: what the library answers to these parameters."""
    with provider(strict=False):
        wanted = ResponseParameters[type(resource)].model_validate(sent)
        return resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=wanted)


@EVERY_MODEL
@given(data=st.data())
def test_projection_equals_the_dump_of_the_library(model: type[Resource[Any]], data: st.DataObject) -> None:
    resource = data.draw(resources(model))
    attributes, excluded = data.draw(parameters(model))
    expected = dumped(resource, query(attributes, excluded))
    projected = projector(model, attributes, excluded).apply(whole(resource))
    # As bytes, because the order of the keys counts too.
    assert orjson.dumps(projected) == orjson.dumps(expected)


@EVERY_MODEL
@pytest.mark.parametrize("parameter", ["attributes", "excludedAttributes"])
def test_projection_by_each_single_name_equals_the_dump_of_the_library(
    model: type[Resource[Any]], parameter: str
) -> None:
    resource = model.model_validate(full(model, "x", True))
    document = whole(resource)
    for name in sorted(set(vocabulary(model))):
        sent = {parameter: name}
        projection = projector(model, sent.get("attributes"), sent.get("excludedAttributes"))
        assert projection.apply(document) == dumped(resource, sent), name


@EVERY_MODEL
@given(data=st.data())
def test_projection_leaves_the_document_as_it_was(model: type[Resource[Any]], data: st.DataObject) -> None:
    document = whole(data.draw(resources(model)))
    before = deepcopy(document)
    projector(model, *data.draw(parameters(model))).apply(document)
    assert document == before


@EVERY_MODEL
@given(data=st.data())
def test_projection_is_identity_where_only_values_go_that_no_answer_holds_unasked(
    model: type[Resource[Any]], data: st.DataObject
) -> None:
    unheld = {"password", "secret", "pin", "key"} | {"notes", "spare", str(Sealed.__schema__), "samlSubject"}
    document = without(whole(model.model_validate(full(model, "x", True))), unheld)
    projection = projector(model, *data.draw(parameters(model)))
    assert projection.is_identity == (projection.apply(document) == document)


def present(document: dict[str, Any], prefix: str = "") -> set[str]:
    """The paths of all that a document holds, spelled as `needs` wants them."""
    found: set[str] = set()
    for key, value in document.items():
        path = prefix + key
        found.add(path)
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                found |= present(entry, f"{path}:" if key.startswith("urn:") else f"{path}.")
    return found


@EVERY_MODEL
@given(data=st.data())
def test_projection_needs_exactly_what_it_may_answer(model: type[Resource[Any]], data: st.DataObject) -> None:
    document = whole(model.model_validate(full(model, "x", True)))
    projection = projector(model, *data.draw(parameters(model)))
    needed = {path for path in present(document) if projection.needs(path)}
    assert needed == present(projection.apply(document))


@EVERY_MODEL
@given(data=st.data())
def test_projection_is_compiled_once_for_equal_lists(model: type[Resource[Any]], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(vocabulary(model)), min_size=1, max_size=5))
    shuffled = data.draw(st.permutations(names))
    other = ",".join(f" {data.draw(CASES)(name)}," for name in shuffled)
    assert projector(model, ",".join(names), None) is projector(model, other, None)


def outcome_of_library(attributes: str, excluded: str) -> tuple[int | None, str | None] | None:
    try:
        ResponseParameters[ProvisionedUser].model_validate(query(attributes, excluded))
    except ValidationError as invalid:
        error = Error.from_validation_errors(invalid)[0]
        return error.status, error.scim_type
    return None


def outcome_of_projector(attributes: str, excluded: str) -> tuple[int, str] | None:
    try:
        projector(ProvisionedUser, attributes, excluded)
    except SCIMException as refused:
        return refused.status, refused.scim_type
    return None


@given(
    attributes=MALFORMED | lists(ProvisionedUser), excluded=MALFORMED | lists(ProvisionedUser) | st.just("")
)
def test_projection_refuses_what_the_library_refuses(attributes: str, excluded: str) -> None:
    assert outcome_of_projector(attributes, excluded) == outcome_of_library(attributes, excluded)
