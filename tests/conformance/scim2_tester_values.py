"""What scim2-tester has to be told of the product's rules before it fills resources at random.

A schema says neither that a `userName` is an address in an Email Domain (rule P2), nor which time
zones, roles and permissions there are (rules P3, P9). Everything else stays as random as the suite makes it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from scim2_models import Path
from scim2_tester import filling
from scim2_tester.checkers import patch_add, patch_replace

from scimserver.directory.roles import MINIMAL_PERMISSIONS
from scimserver.kernel.permissions import Permission
from tests.serving import fresh_address

TIME_ZONE = "Europe/Paris"


@contextmanager
def obeying_values() -> Iterator[None]:
    """Let scim2-tester send values that the rules allow, while the block lasts.

    The suite has no setting for values; what it asks for every one is whether the schema has examples.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling, "get_random_example_value", _obeying(filling.get_random_example_value))
        unmarked = _unmarked(filling.generate_random_value)
        for module in (filling, patch_add, patch_replace):
            patch.setattr(module, "generate_random_value", unmarked)
        yield


def _unmarked(at_random: Any) -> Any:
    """Nobody is SAML-managed (rule P8) where no connection is active; and no example can say so."""

    def value(context: Any, path: Path[Any], **more: Any) -> Any:
        return False if str(path).endswith(":samlManaged") else at_random(context, path=path, **more)

    return value


def _obeying(at_random: Any) -> Any:
    def example(path: Path[Any]) -> Any:
        binding = path.resolve()
        attribute = binding and (binding.target_model, binding.target_field_name)
        match attribute:
            case (_, "user_name"):
                return fresh_address()
            case (_, "timezone"):
                return TIME_ZONE
            # The suite makes the classes from /Schemas; a complex attribute's has the attribute's name.
            case (model, "value") if model is not None and model.__name__ == "Roles":
                return MINIMAL_PERMISSIONS
            # One that brings no other, so that what is answered is what was sent.
            case (model, "value") if model is not None and model.__name__ == "Permissions":
                return Permission.LOG_READ.value
            case (_, "start_page"):
                return "/cases"
            case _:
                return at_random(path)

    return example
