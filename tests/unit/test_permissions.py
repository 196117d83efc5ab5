"""Permissions and what they need (rule P9)."""

import pytest

from scimserver.kernel.permissions import (
    OF_INSTALLATION,
    OF_ORGANIZATION,
    PREREQUISITES,
    SCOPE_PERMISSIONS,
    Permission,
    Scope,
    known_permissions,
    required_by,
    with_prerequisites,
)


@pytest.mark.parametrize(
    "wanted, complete",
    [
        (set[str](), set[str]()),
        ({"users.read"}, {"users.read"}),
        ({"users.update"}, {"users.update", "users.read"}),
        ({"users.clone"}, {"users.clone", "users.create", "users.read"}),
        ({"users.assign_role"}, {"users.assign_role", "users.read", "roles.read"}),
        ({"tokens.manage"}, {"tokens.manage", "connections.manage"}),
    ],
)
def test_permission_enables_what_it_needs(wanted: set[str], complete: set[str]):
    assert with_prerequisites(map(Permission, wanted)) == complete


def test_prerequisites_of_prerequisites_are_there_at_once():
    for permission in Permission:
        complete = with_prerequisites({permission})
        assert with_prerequisites(complete) == complete


def test_no_permission_needs_itself():
    for permission in PREREQUISITES:
        assert permission not in with_prerequisites(PREREQUISITES[permission])


def test_permission_is_required_by_those_that_need_it_by_way_of_another():
    held = with_prerequisites({Permission.USERS_CLONE, Permission.LOG_READ})
    assert required_by(Permission.USERS_READ, held) == {"users.clone", "users.create"}


def test_operators_permissions_can_be_in_no_role():
    assert not OF_INSTALLATION & OF_ORGANIZATION
    assert not any(with_prerequisites({each}) & OF_INSTALLATION for each in OF_ORGANIZATION)


@pytest.mark.parametrize("scope", sorted(set(Scope) - {Scope.ROLES_ASSIGN}))
def test_scope_brings_what_its_permissions_need(scope: Scope):
    assert with_prerequisites(SCOPE_PERMISSIONS[scope]) == SCOPE_PERMISSIONS[scope]


def test_permissions_that_a_newer_version_stored_are_left_out():
    assert known_permissions(["users.read", "of.a.newer.version"]) == {Permission.USERS_READ}
