"""What there is, as a client discovers it: resource types, attributes, documents with a value in each.

Tests that walk over everything read `/ResourceTypes` and `/Schemas`, so that what is added later is
walked over without anybody's help.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.serving import ScimClient

COMMON = (
    {"name": "id", "type": "string", "mutability": "readOnly"},
    {"name": "externalId", "type": "string", "mutability": "readWrite"},
    {
        "name": "meta",
        "type": "complex",
        "mutability": "readOnly",
        "subAttributes": [
            {"name": name} for name in ("resourceType", "created", "lastModified", "location", "version")
        ],
    },
)
"""What every resource has (RFC 7643, section 3.1); no schema lists it."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a resource type, with the URN of the extension that declares it, if one does."""

    definition: Mapping[str, Any]
    extension: str | None = None

    @property
    def name(self) -> str:
        return self.definition["name"]

    @property
    def path(self) -> str:
        return f"{self.extension}:{self.name}" if self.extension else self.name

    @property
    def parts(self) -> list[Mapping[str, Any]]:
        return self.definition.get("subAttributes") or []

    @property
    def is_list(self) -> bool:
        return bool(self.definition.get("multiValued"))

    @property
    def is_writable(self) -> bool:
        return self.definition["mutability"] != "readOnly"

    @property
    def is_answered(self) -> bool:
        return self.definition.get("returned") != "never"

    @property
    def refers(self) -> bool:
        """Whether its values name other resources, by `value` or by `$ref`."""
        return any(part["name"] == "$ref" for part in self.parts)

    @property
    def is_compared(self) -> bool:
        """Whether it can equal something itself: it is simple, or a list of entries with a `value`."""
        return not self.parts or (self.is_list and any(part["name"] == "value" for part in self.parts))

    def of(self, resource: Mapping[str, Any]) -> Any:
        """Its value in a resource, None if there is none; of a list, the first entry."""
        holder = resource.get(self.extension, {}) if self.extension else resource
        value = holder.get(self.name)
        return value[0] if isinstance(value, list) and value else value

    def put(self, resource: dict[str, Any], value: Any) -> None:
        """Give it a value in a resource."""
        holder = resource.setdefault(self.extension, {}) if self.extension else resource
        holder[self.name] = value


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type."""

    name: str
    endpoint: str
    schema: str
    attributes: tuple[Attribute, ...]

    def places(self) -> Iterator[tuple[str, Attribute, str | None]]:
        """What a filter may name: its path, the attribute, and the name of the sub-attribute, if any."""
        for attribute in self.attributes:
            yield attribute.path, attribute, None
            for part in attribute.parts:
                yield f"{attribute.path}.{part['name']}", attribute, part["name"]

    def filled(self, word: str, **given: Any) -> dict[str, Any]:
        """A document with a value, made from the word, in each attribute that a client may write.

        `given` are values by name, in place of what would be made; None leaves one out. Nothing is made
        for a password, nor for what refers to another resource.
        """
        document: dict[str, Any] = {"schemas": [self.schema]}
        for attribute in self.attributes:
            value = given.get(attribute.name)
            if attribute.name not in given and attribute.is_writable and attribute.is_answered:
                value = None if attribute.refers else _value(attribute.definition, word)
            if value is not None:
                attribute.put(document, [value] if attribute.is_list else value)
        return document


async def kinds(scim: ScimClient) -> list[Kind]:
    """The resource types that the service announces."""
    types = (await scim.get("/ResourceTypes")).json["Resources"]
    schemas = {schema["id"]: schema for schema in (await scim.get("/Schemas")).json["Resources"]}
    return [
        Kind(
            name=each["name"],
            endpoint=each["endpoint"],
            schema=each["schema"],
            attributes=(
                *map(Attribute, COMMON),
                *map(Attribute, schemas[each["schema"]]["attributes"]),
                *(
                    Attribute(definition, extension["schema"])
                    for extension in each.get("schemaExtensions") or []
                    for definition in schemas[extension["schema"]]["attributes"]
                ),
            ),
        )
        for each in types
    ]


def literal(value: Any) -> str:
    """A value as a filter writes it; of a complex one, the `value` in it."""
    return json.dumps(value.get("value", "") if isinstance(value, dict) else value)


def _value(definition: Mapping[str, Any], word: str) -> Any:
    name, kind = definition["name"], definition["type"]
    if definition.get("required") and definition.get("canonicalValues"):
        return definition["canonicalValues"][0]
    match kind:
        case "complex":
            parts = [part for part in definition["subAttributes"] if part["mutability"] != "readOnly"]
            return {part["name"]: _value(part, word) for part in parts}
        case "boolean":
            # Nobody's primary e-mail: only that one has to be in an Email Domain.
            return name != "primary"
        case "reference":
            return f"https://{word}.example/{name}"
        case "binary":
            return base64.b64encode(name.encode()).decode()
        case "dateTime":
            return "2026-01-02T03:04:05Z"
        case "integer":
            return 7
        case "decimal":
            return 0.5
        case "string" if name == "status":
            # Others are refused, unlike with canonical values elsewhere.
            return definition["canonicalValues"][0]
        case _:
            return f"{word}-{name}"
