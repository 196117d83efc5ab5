"""Compiled filters against their oracle: the in-memory evaluator of scim2-models."""

from base64 import b64encode
from collections.abc import Callable, Generator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Union
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import InvalidFilterException, Path, ScimFilter, SearchRequest

from scimserver.scim.columns import GROUPS, ROLES, USERS, ResourceTable
from scimserver.scim.provider import TOLERANT
from tests.conftest import Administration
from tests.searched import ORGANIZATION, Rows, World, compiled, rows_of, values_of, worlds

NOT_SEARCHABLE = USERS.answered_only | GROUPS.answered_only | ROLES.answered_only | {"password"}


@pytest.fixture(scope="module")
def rows(database_administration: Administration, database_template: str) -> Generator[Rows]:
    with (
        database_administration.database(f"TEMPLATE {database_template} STRATEGY file_copy") as dsn,
        rows_of(dsn) as rows,
    ):
        yield rows


def _paths(table: ResourceTable) -> list[tuple[str, Any]]:
    model = table.model
    found = [str(path) for path in Path[model].iter_paths()] + ["schemas", "meta", "id"]
    found += [f"meta.{name}" for name in ("created", "lastModified", "resourceType")]
    bound = [(path, Path[model](path).resolve()) for path in found if path not in NOT_SEARCHABLE]
    return [(path, binding) for path, binding in bound if binding is not None]


PATHS = {table: _paths(table) for table in (USERS, GROUPS, ROLES)}
MULTIVALUED = {
    table: [path for path, binding in PATHS[table] if binding.is_multivalued and not binding.sub_field_name]
    for table in PATHS
}
OPERATORS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])


_VALUE = Path[USERS.model]("emails.value").resolve()
_ODD = st.sampled_from([None, True, False, 5, -1.5, "true", "x", "", "2026-01-01T00:00:00Z"])
_VARIATIONS: list[Callable[[str], str]] = [str, str.upper, str.lower, lambda text: text[:1]]
_VARIATIONS += [lambda text: text[-1:], lambda text: normalize("NFD", text)]


class Filters:
    """What filters over a world's resources compare with."""

    def __init__(self, world: World) -> None:
        self._values = {
            (table, path): _values(path, world.of(table)) for table in PATHS for path, _ in PATHS[table]
        }

    def operands(self, table: ResourceTable, path: str, binding: Any) -> st.SearchStrategy[Any]:
        """Values that are the attribute's, or could be, and now and then one that could not."""
        choices = [_ODD]
        declared = binding.target_type
        if declared is not datetime and not hasattr(declared, "model_fields"):
            choices += [values_of(binding)] * 4
        stored = self._values.get((table, path))
        if stored:
            choices += [st.sampled_from(stored)] * 10
        return st.integers(0, len(choices) - 1).flatmap(choices.__getitem__)


def _any_filter(filters: Filters, *tables: ResourceTable) -> st.SearchStrategy[str]:
    leaves = [st.one_of(_leaf(filters, table), _value_path(filters, table)) for table in tables]
    return _combined(st.one_of(leaves))


@st.composite
def _leaf(draw: st.DrawFn, filters: Filters, table: ResourceTable) -> str:
    path, binding = draw(st.sampled_from(PATHS[table]))
    return draw(_test(draw(_spelled(table, path)), filters.operands(table, path, binding)))


@st.composite
def _value_path(draw: st.DrawFn, filters: Filters, table: ResourceTable) -> str:
    path = draw(st.sampled_from(MULTIVALUED[table]))
    entry = _entry_leaf(filters, table, path)
    selected = f"{path}[{draw(_combined(entry))}]"
    return f"{selected}.{draw(entry)}" if draw(st.booleans()) else selected


@st.composite
def _entry_leaf(draw: st.DrawFn, filters: Filters, table: ResourceTable, path: str) -> str:
    subs = [(name, binding) for name, binding in PATHS[table] if name.startswith(f"{path}.")]
    name, binding = draw(st.sampled_from(subs or [(f"{path}.value", _VALUE)]))
    return draw(_test(name.removeprefix(f"{path}."), filters.operands(table, name, binding)))


@st.composite
def _test(draw: st.DrawFn, name: str, operands: st.SearchStrategy[Any]) -> str:
    if draw(st.integers(0, 5)) == 0:
        return f"{name} pr"
    return f"{name} {draw(OPERATORS)} {ScimFilter.quote(draw(operands))}"


def _values(path: str, resources: Sequence[Any]) -> list[Any]:
    """What the resources have at the path, in several spellings."""
    values: list[Any] = []
    for resource in resources:
        found = Path[type(resource)](path).get(resource, strict=False)
        for value in found if isinstance(found, list) else [found]:
            match value:
                case datetime():
                    values += [value.isoformat(), value.replace(tzinfo=None).isoformat()]
                    values += [value.astimezone(timezone(timedelta(hours=9))).isoformat()]
                case bool():
                    values.append(value)
                case bytes():
                    values.append(b64encode(value).decode())
                case str():
                    values += [vary(str(value)) for vary in _VARIATIONS]
    return values


@st.composite
def _spelled(draw: st.DrawFn, table: ResourceTable, path: str) -> str:
    """The path in one of the spellings that mean the same (RFC 7644, section 3.10)."""
    if path.startswith("urn:"):
        return path
    qualified = f"{table.model.__schema__}:{path}"
    return draw(st.sampled_from([path, path, path, path.upper(), path.lower(), qualified]))


def _combined(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        both = st.tuples(inner, st.sampled_from(["and", "or", "AND"]), inner)
        return st.one_of(inner.map("not ({})".format), both.map(lambda three: "({} {} {})".format(*three)))

    return st.one_of(leaves, leaves, st.recursive(leaves, extend, max_leaves=3))


@st.composite
def cases(draw: st.DrawFn, *tables: ResourceTable) -> tuple[World, list[str]]:
    """A world, and filters over its resources of these types."""
    world = draw(worlds(users=14 if USERS in tables else 5))
    return world, draw(st.lists(_any_filter(Filters(world), *tables), min_size=10, max_size=25))


_REQUEST: Any = SearchRequest
"""Of any number of models, which no type can say."""


def _found_in_memory(text: str, world: World, tables: tuple[ResourceTable, ...]) -> set[str] | None:
    """The ids that the oracle finds, or None if it refuses the filter."""
    try:
        request = _REQUEST[Union[tuple(table.model for table in tables)]](filter=text)  # noqa: UP007 - of models known at run time
    except ValidationError:
        return None
    with TOLERANT:
        return {one.id for table in tables for one in world.of(table) if request.filter.match(one)}


async def _found_in_rows(rows: Rows, text: str, tables: tuple[ResourceTable, ...]) -> set[str] | None:
    """The ids that the compiled filter finds, or None if it is refused."""
    found: set[str] = set()
    for table in tables:
        try:
            where, values = compiled(text, table, *[other for other in tables if other is not table])
        except InvalidFilterException:
            return None
        origin = f"{table.table} AS {table.alias} WHERE {table.alias}.org_id = '{ORGANIZATION}'"
        statement = f"SELECT {table.alias}.id::text FROM {origin} AND {where}"
        found |= {row[0] for row in await rows.connection.fetch(statement, *values)}
    return found


def _assert_same(rows: Rows, case: tuple[World, list[str]], tables: tuple[ResourceTable, ...]) -> None:
    world, texts = case
    with rows.holding(world):
        for text in texts:
            expected = _found_in_memory(text, world, tables)
            found = rows.run(_found_in_rows(rows, text, tables))
            differing = (expected or set()) ^ (found or set())
            documents = [one.model_dump() for one in world.all if one.id in differing]
            assert found == expected, (text, documents)


GENERATED = settings(
    max_examples=12,
    deadline=None,
    # No shrinking: it would take longer than a test may, and the message shows what differs.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@GENERATED
@given(case=cases(USERS))
def test_filter_finds_the_users_that_the_library_finds(rows, case):
    _assert_same(rows, case, (USERS,))


@GENERATED
@given(case=cases(GROUPS))
def test_filter_finds_the_groups_that_the_library_finds(rows, case):
    _assert_same(rows, case, (GROUPS,))


@GENERATED
@given(case=cases(ROLES))
def test_filter_finds_the_roles_that_the_library_finds(rows, case):
    _assert_same(rows, case, (ROLES,))


@GENERATED
@given(case=cases(USERS, GROUPS, ROLES))
def test_filter_over_all_types_finds_what_the_library_finds(rows, case):
    _assert_same(rows, case, (USERS, GROUPS, ROLES))
