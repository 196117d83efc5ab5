"""What a clone's document begins as: each attribute of a user is copied or left on purpose."""

from scim2_models import Mutability

from scimserver.directory.cloning import COPIED, NOT_COPIED_OF_ENTERPRISE
from scimserver.directory.users.model import ENTERPRISE
from scimserver.scim.models import ProvisionedUser

LEFT = {
    "userName": "is the clone's own",
    "active": "a clone is active",
    "password": "signs in",
    "profileUrl": "is one person's",
    "photos": "show one person",
    "entitlements": "belong to one account",
    "x509Certificates": "sign in",
}
"""Why the others are left; an attribute that a schema gets later has to be put on one side."""


def test_every_attribute_is_copied_or_left_on_purpose():
    attributes = ProvisionedUser.to_schema().attributes or ()
    writable = {each.name for each in attributes if each.mutability is not Mutability.read_only}
    assert writable == (COPIED - {ENTERPRISE}) | LEFT.keys()


def test_what_is_left_of_the_enterprise_extension_is_declared():
    extension = ProvisionedUser.get_extension_models()[ENTERPRISE]
    assert {each.name for each in extension.to_schema().attributes or ()} >= NOT_COPIED_OF_ENTERPRISE
