"""Compiled filters against their oracle: the in-memory evaluator of scim2-models."""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any, Union

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import InvalidFilterException, Path, ScimFilter, SearchRequest

from scimserver.scim.columns import GROUPS, USERS, ResourceTable
from scimserver.scim.filter_sql import arguments, condition
from scimserver.scim.filter_text import take_apart
import collections
STATS = collections.Counter()
from scimserver.scim.provider import TOLERANT
from tests.conftest import Administration
from tests.searched import ORGANIZATION, Rows, World, instants, rows_of, values_of, worlds

NOT_SEARCHABLE = USERS.answered_only | GROUPS.answered_only | {"password"}
MODELS = {table: table.model for table in (USERS, GROUPS)}


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


PATHS = {table: _paths(table) for table in (USERS, GROUPS)}
OPERATORS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])


def _operands(binding: Any) -> st.SearchStrategy[Any]:
    """Values that could be the attribute's, and now and then one that could not."""
    odd = st.sampled_from([None, True, False, 5, -1.5, "true", "x", "", "2026-01-01T00:00:00Z"])
    declared = binding.target_type
    if declared is datetime:
        moments = instants.flatmap(
            lambda moment: st.sampled_from(
                [moment.isoformat(), moment.astimezone(UTC).isoformat(), moment.replace(tzinfo=None).isoformat()]
            )
        )
        return st.one_of(moments, odd)
    if isinstance(declared, type) and hasattr(declared, "model_fields"):
        return st.one_of(values_of(_VALUE), odd)
    return st.one_of(values_of(binding), values_of(binding), odd)


_VALUE = Path[USERS.model]("emails.value").resolve()


@st.composite
def _spelled(draw: st.DrawFn, table: ResourceTable, path: str) -> str:
    """The path in one of the spellings that mean the same (RFC 7644, section 3.10)."""
    if ":" not in path and draw(st.integers(0, 9)) == 0:
        path = f"{table.model.__schema__}:{path}"
    return draw(st.sampled_from([path, path, path.upper(), path.lower()])) if ":" not in path else path


@st.composite
def _leaf(draw: st.DrawFn, table: ResourceTable) -> str:
    path, binding = draw(st.sampled_from(PATHS[table]))
    name = draw(_spelled(table, path))
    if draw(st.integers(0, 5)) == 0:
        return f"{name} pr"
    return f"{name} {draw(OPERATORS)} {ScimFilter.quote(draw(_operands(binding)))}"


@st.composite
def _value_path(draw: st.DrawFn, table: ResourceTable) -> str:
    many = [(path, binding) for path, binding in PATHS[table] if binding.is_multivalued and "." not in path[9:]]
    path, _ = draw(st.sampled_from([pair for pair in many if not pair[0].rpartition(":")[2].count(".")]))
    inner = draw(_combined(_entry_leaf(table, path)))
    if draw(st.booleans()):
        return f"{path}[{inner}]"
    tail = draw(_entry_leaf(table, path))
    return f"{path}[{inner}].{tail}" if not tail.startswith(("not", "(")) else f"{path}[{inner}]"


@st.composite
def _entry_leaf(draw: st.DrawFn, table: ResourceTable, path: str) -> str:
    subs = [(name, binding) for name, binding in PATHS[table] if name.startswith(f"{path}.")]
    name, binding = draw(st.sampled_from(subs or [(f"{path}.value", _VALUE)]))
    sub = name.removeprefix(f"{path}.")
    if draw(st.integers(0, 5)) == 0:
        return f"{sub} pr"
    return f"{sub} {draw(OPERATORS)} {ScimFilter.quote(draw(_operands(binding)))}"


def _combined(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        both = st.tuples(inner, st.sampled_from(["and", "or", "AND"]), inner)
        return st.one_of(inner.map("not ({})".format), both.map(lambda three: "({} {} {})".format(*three)))

    return st.recursive(leaves, extend, max_leaves=4)


def filters(*tables: ResourceTable) -> st.SearchStrategy[str]:
    leaves = [st.one_of(_leaf(table), _leaf(table), _value_path(table)) for table in tables]
    return _combined(st.one_of(leaves))


def _found_in_memory(text: str, world: World, tables: tuple[ResourceTable, ...]) -> set[str] | None:
    """The ids that the oracle finds, or None if it refuses the filter."""
    try:
        request = SearchRequest[Union[tuple(table.model for table in tables)]](filter=text)  # noqa: UP007
    except ValidationError:
        return None
    resources = {USERS: world.users, GROUPS: world.groups}
    with TOLERANT:
        return {one.id for table in tables for one in resources[table] if request.filter.match(one)}


async def _found_in_rows(rows: Rows, text: str, tables: tuple[ResourceTable, ...]) -> set[str] | None:
    """The ids that the compiled filter finds, or None if it is refused."""
    found: set[str] = set()
    for table in tables:
        try:
            taken = take_apart(text)
            where, readers = condition(taken, tables, table).sql.rendered()
            values = arguments(readers, taken.literals)
        except InvalidFilterException:
            return None
        origin = f"{table.table} AS {table.alias} WHERE {table.alias}.org_id = '{ORGANIZATION}'"
        statement = f"SELECT {table.alias}.id::text FROM {origin} AND {where}"  # noqa: S608 - our own text
        found |= {row[0] for row in await rows.connection.fetch(statement, *values)}
    return found


def _assert_same(rows: Rows, world: World, texts: list[str], tables: tuple[ResourceTable, ...]) -> None:
    with rows.holding(world):
        for text in texts:
            expected = _found_in_memory(text, world, tables)
            found = rows.run(_found_in_rows(rows, text, tables))
            STATS["refused" if expected is None else "empty" if not expected else "all" if len(expected)==len([r for t in tables for r in {USERS: world.users, GROUPS: world.groups}[t]]) else "some"] += 1
            differing = (expected or set()) ^ (found or set())
            documents = [one.model_dump() for one in world.all if one.id in differing]
            assert found == expected, (text, documents)


GENERATED = settings(
    max_examples=200,
    deadline=None,
    # No shrinking: it would take longer than a test may, and the message shows what differs.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@GENERATED
@given(world=worlds(), texts=st.lists(filters(USERS), min_size=10, max_size=20))
def test_filter_finds_the_users_that_the_library_finds(rows, world, texts):
    _assert_same(rows, world, texts, (USERS,))


@GENERATED
@given(world=worlds(), texts=st.lists(filters(GROUPS), min_size=10, max_size=20))
def test_filter_finds_the_groups_that_the_library_finds(rows, world, texts):
    _assert_same(rows, world, texts, (GROUPS,))


@GENERATED
@given(world=worlds(), texts=st.lists(filters(USERS, GROUPS), min_size=10, max_size=20))
def test_filter_over_both_types_finds_what_the_library_finds(rows, world, texts):
    _assert_same(rows, world, texts, (USERS, GROUPS))
def test_zz():
    print("STATS", STATS)
