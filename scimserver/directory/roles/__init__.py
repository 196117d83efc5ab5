"""Roles & Permissions (rule P9): what somebody may do, given to users by a name."""

from scimserver.directory.roles.actions import clone as clone
from scimserver.directory.roles.actions import create as create
from scimserver.directory.roles.actions import create_built_in as create_built_in
from scimserver.directory.roles.actions import delete as delete
from scimserver.directory.roles.actions import find as find
from scimserver.directory.roles.actions import get as get
from scimserver.directory.roles.actions import update as update
from scimserver.directory.roles.giving import give as give
from scimserver.directory.roles.model import ADMIN_ROLE as ADMIN_ROLE
from scimserver.directory.roles.model import BUILT_IN as BUILT_IN
from scimserver.directory.roles.model import MINIMAL_PERMISSIONS as MINIMAL_PERMISSIONS
from scimserver.directory.roles.model import Held as Held
from scimserver.directory.roles.model import Role as Role
from scimserver.directory.roles.model import Wanted as Wanted
from scimserver.directory.roles.model import entries_of as entries_of
from scimserver.directory.roles.model import explained as explained
from scimserver.directory.roles.model import parse_permission as parse_permission
from scimserver.directory.roles.model import role_key as role_key
from scimserver.directory.roles.store import every as every
