"""What the schemas say of attributes, looked up by the names and paths that clients write.

Names compare without case (RFC 7643, section 2.1); a path is an attribute or a sub-attribute, its
schema's URN in front or, for the resource's own schema, not (RFC 7644, section 3.5.2).
Proven by tests/unit/test_dialects.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from scim2_models import Attribute, Mutability, Resource

from scimserver.scim.models import ENTERPRISE_SCHEMA
from scimserver.scim.provider import provider

_MANAGER = f"{ENTERPRISE_SCHEMA}:manager".lower()
_UNQUALIFIED = {"manager": _MANAGER, "manager.value": f"{_MANAGER}.value"}
"""What clients write without its schema, and what they mean."""

MANAGER_PATHS = frozenset({*_UNQUALIFIED, *_UNQUALIFIED.values()})
"""Every way to write the manager, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the schema says of an attribute."""

    name: str
    type: Attribute.Type | None = None
    many: bool = False
    read_only: bool = False
    inner: "Mapping[str, Shape]" = field(default_factory=dict[str, "Shape"])
    """Its sub-attributes, by name, as declared and in lower case."""

    is_text: bool = False
    """Whether it is one string: the usual case, told apart quickly."""

    @property
    def is_reference(self) -> bool:
        """Whether it is one complex value that stands for its `value`, as a manager does."""
        return not self.many and "value" in self.inner


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path leads to."""

    shape: Shape
    path: str
    """The path in full: an extension's attributes need their URN."""

    in_entries: bool = False
    """Whether it is a sub-attribute of the entries of a multi-valued attribute."""

    reference: str = ""
    """The path of the reference whose `value` it is, if it is one."""

    prefix: str | None = None
    """What stands before the names in its value, where it is a whole schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Everything that a path of one resource type can lead to."""

    plain: Mapping[str, Target]
    """By the path in lower case, without a filter."""

    def find(self, path: str) -> tuple[Target | None, bool]:
        """What the path leads to, if it is known, and whether a filter selects entries on the way."""
        start, end = path.find("["), path.rfind("]")
        if start < 0 or end < start:
            return self.plain.get(path.lower()), False
        target = self.plain.get((path[:start] + path[end + 1 :]).lower())
        if target is None or not (target.shape.many or target.in_entries):
            return None, True
        return target, True

    def prefix(self, path: str) -> str | None:
        """What stands before the names in the value, where the path is a whole schema; else None."""
        target = self.plain.get(path.lower())
        return None if target is None else target.prefix


@cache
def root(resource_type: str) -> Mapping[str, Shape]:
    """What the names in a resource stand for, as declared and in lower case.

    Raises KeyError for a resource type that is not served.
    """
    (_, own), *extensions = _schemas(resource_type).items()
    return {
        **own,
        **_by_name([Shape(name=urn, type=Attribute.Type.complex, inner=inner) for urn, inner in extensions]),
    }


@cache
def paths(resource_type: str) -> Paths:
    """What the paths and keys of a PATCH stand for.

    Raises KeyError for a resource type that is not served.
    """
    (schema, own), *extensions = _schemas(resource_type).items()
    fixed = _by_name([Shape(name=name, read_only=True) for name in ("id", "meta", "schemas")])
    found = {target.path.lower(): target for target in _targets("", {**own, **fixed})}
    found |= {f"{schema}:{path}".lower(): target for path, target in found.items()}
    found[schema.lower()] = Target(shape=Shape(name=schema), path=schema, prefix="")
    for urn, inner in extensions:
        found |= {target.path.lower(): target for target in _targets(f"{urn}:", inner)}
        found[urn.lower()] = Target(shape=Shape(name=urn), path=urn, prefix=f"{urn}:")
    unqualified = {path: found[full] for path, full in _UNQUALIFIED.items() if full in found}
    return Paths(plain={**found, **unqualified})


@cache
def _schemas(resource_type: str) -> Mapping[str, Mapping[str, Shape]]:
    """The attributes of each schema by its URN; the resource's own schema comes first."""
    model = provider(strict=False).model_for(resource_type)
    if model is None or not issubclass(model, Resource):
        raise KeyError(resource_type)
    own = _shapes(model.to_schema().attributes)
    external_id = _by_name([Shape(name="externalId", type=Attribute.Type.string, is_text=True)])
    return {
        str(model.__schema__): {**own, **external_id},
        **{
            urn: _shapes(extension.to_schema().attributes)
            for urn, extension in model.get_extension_models().items()
        },
    }


def _shapes(attributes: Iterable[Attribute] | None) -> dict[str, Shape]:
    return _by_name(
        Shape(
            name=each.name or "",
            type=each.type,
            many=bool(each.multi_valued),
            is_text=each.type == Attribute.Type.string and not each.multi_valued,
            read_only=each.mutability == Mutability.read_only,
            inner=_shapes(each.sub_attributes),
        )
        for each in attributes or ()
    )


def _by_name(shapes: Iterable[Shape]) -> dict[str, Shape]:
    return {name: shape for shape in shapes for name in (shape.name, shape.name.lower())}


def _targets(prefix: str, shapes: Mapping[str, Shape]) -> Iterator[Target]:
    for shape in {shape.name: shape for shape in shapes.values()}.values():
        path = prefix + shape.name
        yield Target(shape=shape, path=path)
        for inner in {inner.name: inner for inner in shape.inner.values()}.values():
            reference = path if shape.is_reference and inner.name == "value" else ""
            yield Target(shape=inner, path=f"{path}.{inner.name}", in_entries=shape.many, reference=reference)
