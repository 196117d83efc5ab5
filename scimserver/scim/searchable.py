"""Which attributes of a resource type a client may search: what a filter's paths stand for.

Proven by tests/unit/test_filter_sql.py.
"""

from typing import Any

from scim2_models import AttributeBinding, InvalidFilterException, Mutability, SensitiveException
from scim2_models.path import AttrPath, ScimFilter

from scimserver.scim.columns import ResourceTable


class SensitiveAttribute(SensitiveException):
    """A search names an attribute whose value nobody may learn (RFC 7643, section 7: writeOnly)."""

    status = 403


class SearchableAttributes:
    """The attributes of a filter, resolved against one resource type."""

    def __init__(self, table: ResourceTable, scim_filter: ScimFilter[Any]) -> None:
        self.table = table
        self._filter = scim_filter

    def find(self, path: AttrPath) -> AttributeBinding | None:
        """The attribute as it is written, or None if the resource type has none of that name.

        Raises SensitiveAttribute for a password, InvalidFilterException for what only answers hold.
        """
        return self._allowed(self._filter.resolve(path, strict=False))

    def find_compared(self, path: AttrPath) -> AttributeBinding | None:
        """The attribute that a comparison means: of a multi-valued one its `value`. Raises as `find`."""
        return self._allowed(self._filter.resolve_comparison(path, strict=False))

    def _allowed(self, binding: AttributeBinding | None) -> AttributeBinding | None:
        if binding is None:
            return None
        if binding.get_annotation(Mutability) == Mutability.write_only:
            raise SensitiveAttribute(detail=f"'{binding.urn}' can be set, but never searched")
        if self.table.name(binding) in self.table.answered_only:
            detail = f"'{binding.urn}' is made for each answer and stored nowhere: it cannot be searched"
            raise InvalidFilterException(detail=detail)
        return binding
