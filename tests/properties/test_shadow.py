"""Shadows against their oracle: the comparison keys of scim2-models under our policy."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import ComplexAttribute, Path

from scimserver.directory.shadow import CASE_EXACT, ELSEWHERE, comparable, exact, shadow
from scimserver.scim.columns import CASES, GROUPS, USERS, ResourceTable
from scimserver.scim.models import DIRECTORY_USER_SCHEMA
from scimserver.scim.provider import TOLERANT
from tests.searched import ALPHABET, texts, worlds

TABLES = [USERS, GROUPS, CASES]


@cache
def _bindings(table: ResourceTable) -> dict[str, Any]:
    """The attributes of a model that a shadow holds, by path; the complex ones are left out."""
    paths = [str(path) for path in Path[table.model].iter_paths()] + ["schemas"]
    bound = {path: Path[table.model](path).resolve() for path in paths}
    return {
        path: binding
        for path, binding in bound.items()
        if binding is not None and path.partition(".")[0] not in ELSEWHERE and not _is_complex(binding)
    }


def _is_complex(binding: Any) -> bool:
    return issubclass(binding.target_type, ComplexAttribute)


def test_case_exact_attributes_are_those_that_the_models_declare():
    declared = {
        path
        for table in TABLES
        for path, binding in _bindings(table).items()
        # How a user signs in is no part of the document.
        if binding.case_exact and not path.startswith(DIRECTORY_USER_SCHEMA)
    }
    assert declared == CASE_EXACT


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_shadow_holds_only_types_that_compare_as_text(table):
    assert {
        binding.target_type
        for binding in _bindings(table).values()
        if not issubclass(binding.target_type, str | bool | bytes)
    } == set()


@given(text=st.one_of(st.text(), texts), index=st.integers(0, len(ALPHABET) - 1))
def test_comparable_is_the_key_of_an_attribute_whose_case_does_not_count(text, index):
    spelled = text + ALPHABET[index]
    assert comparable(spelled) == _bindings(USERS)["title"].comparable(spelled, TOLERANT)


@given(text=st.one_of(st.text(), texts))
def test_exact_is_the_key_of_an_attribute_whose_case_counts(text):
    assert exact(text) == _bindings(USERS)["profileUrl"].comparable(text, TOLERANT)


@given(text=st.text())
def test_comparing_a_comparison_key_changes_nothing(text):
    assert comparable(comparable(text)) == comparable(text)
    assert exact(exact(text)) == exact(text)


@given(world=worlds(users=2, groups=1))
def test_shadow_holds_every_value_in_the_form_in_which_it_is_compared(world):
    for table in TABLES:
        for resource in world.of(table):
            document = resource.model_dump(exclude={"meta", "groups", "members", "owner"})
            shown = shadow(document)
            for path, binding in _bindings(table).items():
                stored = [binding.comparable(value, TOLERANT) for value in _leaves(document, path)]
                assert _leaves(shown, path) == stored, path


def _leaves(document: dict[str, Any], path: str) -> list[Any]:
    """The values at a path of a document, of all entries where there are several."""
    urn, _, name = path.rpartition(":")
    found: list[Any] = [document.get(urn, {}) if urn else document]
    for step in name.split("."):
        values = [holder[step] for holder in found if step in holder]
        found = [entry for value in values for entry in (value if isinstance(value, list) else [value])]
    return found


def test_shadow_leaves_out_what_columns_hold_and_what_is_unassigned():
    document = {"userName": "a", "id": "1", "active": True, "title": None, "name": {"givenName": None}}
    assert shadow(document) == {"name": {}}
