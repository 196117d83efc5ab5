"""Which parts of a resource an answer carries (RFC 7644, sections 3.4.2.5, 3.9 and 3.10).

`attributes` and `excludedAttributes`, with each attribute's `returned` (RFC 7643, section 7), are
compiled once into a selection that runs over JSON documents, so that a read needs no model.
The rule is the one by which scim2-models dumps a response, seen from the schema: every attribute
has two names, its URN and the part after the URN's last colon, and is asked for by either.
Proven by tests/properties/test_projection.py (the library is the oracle) and tests/unit/test_projection.py.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias, assert_never, cast

from scim2_models import (
    ComplexAttribute,
    Extension,
    InvalidPathException,
    InvalidValueException,
    Path,
    Resource,
    Returned,
)
from scim2_models.path import AttrPath

MAX_NAMES = 256
"""The most names that one list holds: each unknown one costs a parse."""

MAX_LENGTH = 16_384
"""The most characters of one list: the cache keeps them."""

_CACHED = 256

Document: TypeAlias = dict[str, Any]
"""A resource as JSON, attribute names spelled as the schema spells them."""

_Selection: TypeAlias = Mapping[str, "_Selection | None"]
"""What stays of an object, by key: all of the value (None), or this much of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projector:
    """What one pair of parameters leaves of the documents of one resource type."""

    is_identity: bool
    """Whether every document comes back as it is: none holds what is never answered, nor what is answered on
    request where nobody asks."""

    selection: _Selection
    extensions: tuple[str, ...]
    """The schema URNs that `schemas` loses together with their values."""

    attributes: frozenset[str]
    """All that `needs` can be asked about."""

    returned: frozenset[str]
    """Those of them that an answer can carry."""

    def apply(self, document: Mapping[str, Any]) -> Document:
        """Give what the answer carries of a full document, in the document's order.

        The document is not changed; values that stay whole are shared with it.
        """
        projected = _selected(self.selection, document)
        absent = [urn for urn in self.extensions if urn not in projected]
        schemas: Sequence[str] = projected.get("schemas", ())
        if any(urn in schemas for urn in absent):
            # RFC 7643, section 3: `schemas` lists the schemas of what is there.
            projected["schemas"] = [urn for urn in schemas if urn not in absent]
        return projected

    def needs(self, name: str) -> bool:
        """Say whether an answer can carry the attribute, so that a reader need not load it in vain.

        `name` is spelled as the schema spells it: `members`, `members.display`, an extension's URN,
        or that URN with `:manager.displayName`. Raises KeyError for a name that the schema lacks.
        """
        if name not in self.attributes:
            raise KeyError(name)
        return name in self.returned


def projector(model: type[Resource[Any]], attributes: str | None, excluded: str | None) -> Projector:
    """Give the projector for the two parameters, as sent in a query: names with commas between them.

    Names compare without case, and one that the schema lacks names nothing. An empty list is no list.
    Raises InvalidPathException for what is not in attribute notation, InvalidValueException when
    both lists are given or one is too long.
    """
    return _compiled(model, _names(attributes), _names(excluded))


def check_names(sent: Any) -> None:
    """Refuse a list of attributes that is too long, in a query or in the body of a search.

    Raises InvalidValueException. What is no list is not looked at.
    """
    names = [sent] if isinstance(sent, str) else cast("list[Any]", sent) if isinstance(sent, list) else []
    texts = [name for name in names if isinstance(name, str)]
    commas = sum(text.count(",") for text in texts)
    if len(names) + commas > MAX_NAMES or sum(map(len, texts)) > MAX_LENGTH:
        raise InvalidValueException(
            detail=f"A list of attributes holds at most {MAX_NAMES} names and {MAX_LENGTH} characters"
        )


def _names(text: str | None) -> tuple[str, ...]:
    """The names of a list, normalised: equal lists give equal tuples."""
    if not text:
        return ()
    check_names(text)
    stripped = (piece.strip() for piece in text.lower().split(","))
    return tuple(sorted({name for name in stripped if name}))


@lru_cache(maxsize=_CACHED)
def _compiled(model: type[Resource[Any]], named: tuple[str, ...], excluded: tuple[str, ...]) -> Projector:
    for name in (*named, *excluded):
        _check_notation(name)
    if named and excluded:
        raise InvalidValueException(detail="'attributes' and 'excludedAttributes' are mutually exclusive")
    outline = _outline(model)
    selection = _selection(outline, _Asked.read(named, excluded))
    return Projector(
        is_identity=_is_whole(outline, selection),
        selection=selection,
        extensions=tuple(model.get_extension_models()),
        attributes=frozenset(_paths(outline)),
        returned=frozenset(_paths(outline, selection)),
    )


def _check_notation(name: str) -> None:
    if not isinstance(Path[Any](name).ast, AttrPath):
        raise InvalidPathException(path=name, detail=f"{name!r} is not in attribute notation")


# -- The schema, as names -----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attribute:
    """An attribute, a sub-attribute or a whole extension, and what can name it."""

    key: str
    """Its key in a document."""

    path: str
    """Its name for `needs`."""

    names: tuple[str, str]
    """Its URN and the part after the last colon, in lower case."""

    above: frozenset[str]
    """What names it by naming more than it."""

    returned: Returned
    parts: tuple["_Attribute", ...]


@cache
def _outline(model: type[Resource[Any]]) -> tuple[_Attribute, ...]:
    return tuple(_attributes(model, f"{model.__schema__}:", ""))


def _attributes(model: type[Any], urn: str, path: str) -> Iterator[_Attribute]:
    """The attributes that a model declares, under the prefixes of their URNs and of their paths."""
    for field_name, field in model.model_fields.items():
        root: object = model.get_field_root_type(field_name)
        if isinstance(root, type) and issubclass(root, Extension):
            yield _extension(root, model.get_field_annotation(field_name, Returned))
            continue
        key = cast("str", field.serialization_alias)
        if key == "schemas" and issubclass(model, Extension):
            continue
        # RFC 7643, section 3: `schemas` stands in every representation.
        returned = Returned.always if key == "schemas" else model.get_field_annotation(field_name, Returned)
        parts: tuple[_Attribute, ...] = ()
        if isinstance(root, type) and issubclass(root, ComplexAttribute):
            parts = tuple(_attributes(root, f"{urn}{key}.", f"{path}{key}."))
        yield _attribute(key, path + key, urn + key, returned, parts)


def _extension(model: type[Extension], returned: Returned) -> _Attribute:
    urn = str(model.__schema__)
    return _attribute(urn, urn, urn, returned, tuple(_attributes(model, f"{urn}:", f"{urn}:")))


def _attribute(
    key: str, path: str, urn: str, returned: Returned, parts: tuple[_Attribute, ...]
) -> _Attribute:
    full = urn.lower()
    short = full.rpartition(":")[2]
    above = frozenset((*_hosts(full, ".:"), *_hosts(short, ".")))
    return _Attribute(key=key, path=path, names=(full, short), above=above, returned=returned, parts=parts)


def _hosts(name: str, separators: str) -> Iterator[str]:
    """What a name stands in: `name` for `name.familyname`, the schema for a URN."""
    for separator in re.finditer(f"[{separators}]", name):
        host = name[: separator.start()]
        # The first segment of a URN is no URN; alone it would read as a short name.
        if ":" in host or ":" not in name:
            yield host


def _paths(outline: Sequence[_Attribute], selection: _Selection | None = None) -> Iterator[str]:
    """The paths of the attributes that a selection keeps; without one, of all."""
    for attribute in outline:
        if selection is None or attribute.key in selection:
            yield attribute.path
            yield from _paths(attribute.parts, selection and selection[attribute.key])


# -- The request, and what it keeps -------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a client named, in lower case."""

    named: frozenset[str]
    hosts: frozenset[str]
    """What the named ones stand in: it is asked for as far as they need it."""

    complex_hosts: frozenset[str]
    """The same, from sub-attributes to their attributes only."""

    excluded: frozenset[str]

    @classmethod
    def read(cls, named: tuple[str, ...], excluded: tuple[str, ...]) -> "_Asked":
        return cls(
            named=frozenset(named),
            hosts=frozenset(host for name in named for host in _hosts(name, ".:")),
            complex_hosts=frozenset(host for name in named for host in _hosts(name, ".")),
            excluded=frozenset(excluded),
        )

    def keeps(self, attribute: _Attribute) -> bool:
        """Decide one level (RFC 7643, section 7); a part goes with what it is part of."""
        match attribute.returned:
            case Returned.always:
                return True
            case Returned.never:
                return False
            case Returned.request:
                return self._names(attribute, self.complex_hosts)
            case Returned.default:
                return self._keeps_default(attribute)
            case _ as unknown:
                assert_never(unknown)

    def _keeps_default(self, attribute: _Attribute) -> bool:
        if not self.named:
            return self.excluded.isdisjoint(attribute.names)
        return self._names(attribute, self.hosts) or not self.named.isdisjoint(attribute.above)

    def _names(self, attribute: _Attribute, hosts: frozenset[str]) -> bool:
        return not (self.named.isdisjoint(attribute.names) and hosts.isdisjoint(attribute.names))


def _selection(outline: Sequence[_Attribute], asked: _Asked) -> _Selection:
    """Compile what the request keeps; an attribute of which no part stays is not kept."""
    selection: dict[str, _Selection | None] = {}
    for attribute in outline:
        if not asked.keeps(attribute):
            continue
        inner = _selection(attribute.parts, asked)
        if inner or not attribute.parts:
            whole = len(inner) == len(attribute.parts) and not any(inner.values())
            selection[attribute.key] = None if whole else inner
    return selection


def _is_whole(outline: Sequence[_Attribute], selection: _Selection | None) -> bool:
    """Whether a selection keeps all that a document can hold."""
    return selection is None or all(
        attribute.returned is Returned.never
        # What is answered on request alone is read on request alone.
        or (attribute.returned is Returned.request and attribute.key not in selection)
        or (attribute.key in selection and _is_whole(attribute.parts, selection[attribute.key]))
        for attribute in outline
    )


def _selected(selection: _Selection, source: Mapping[str, Any]) -> Document:
    """Run a selection over an object. What is left empty is unassigned (RFC 7643, section 2.5)."""
    kept: Document = {}
    for key, value in source.items():
        if key not in selection:
            continue
        inner = selection[key]
        if inner is None:
            kept[key] = value
        elif isinstance(value, list):
            entries = [part for entry in cast("list[Document]", value) if (part := _selected(inner, entry))]
            if entries:
                kept[key] = entries
        elif part := _selected(inner, value):
            kept[key] = part
    return kept
