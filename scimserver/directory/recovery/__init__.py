"""Recovery accounts: who gets in when the identity provider lets nobody in (rule P8).

`model` is pure, `actions` are the verbs, `store` keeps the rows.
"""

from scimserver.directory.recovery.actions import confirm as confirm
from scimserver.directory.recovery.actions import every as every
from scimserver.directory.recovery.actions import hold as hold
from scimserver.directory.recovery.actions import is_ready as is_ready
from scimserver.directory.recovery.actions import prepare as prepare
from scimserver.directory.recovery.actions import require_beside_role as require_beside_role
from scimserver.directory.recovery.actions import require_left as require_left
from scimserver.directory.recovery.actions import require_other as require_other
from scimserver.directory.recovery.actions import tell_owners as tell_owners
from scimserver.directory.recovery.actions import use as use
from scimserver.directory.recovery.actions import withdraw as withdraw
from scimserver.directory.recovery.model import OWNER as OWNER
from scimserver.directory.recovery.model import Account as Account
from scimserver.directory.recovery.model import Codes as Codes
from scimserver.directory.recovery.model import Secret as Secret
