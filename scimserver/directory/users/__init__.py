"""Users: who is in the organisation (rules P1 to P5).

A user's document is the SCIM resource without what derives from elsewhere; `actions` changes it
by the rules, `store` keeps it.
"""

from scimserver.directory.users.actions import activate as activate
from scimserver.directory.users.actions import add_again as add_again
from scimserver.directory.users.actions import add_clone as add_clone
from scimserver.directory.users.actions import create as create
from scimserver.directory.users.actions import deactivate as deactivate
from scimserver.directory.users.actions import delete as delete
from scimserver.directory.users.actions import find as find
from scimserver.directory.users.actions import find_inactive as find_inactive
from scimserver.directory.users.actions import find_named as find_named
from scimserver.directory.users.actions import get as get
from scimserver.directory.users.actions import mark as mark
from scimserver.directory.users.actions import update as update
from scimserver.directory.users.adding import add as add
from scimserver.directory.users.holding import held_groups as held_groups
from scimserver.directory.users.holding import hold as hold
from scimserver.directory.users.holding import join as join
from scimserver.directory.users.marking import Mark as Mark
from scimserver.directory.users.marking import changes_of as changes_of
from scimserver.directory.users.model import Document as Document
from scimserver.directory.users.model import Former as Former
from scimserver.directory.users.model import User as User
from scimserver.directory.users.store import Listed as Listed
from scimserver.directory.users.store import beginning as beginning
from scimserver.directory.users.store import taken as taken
