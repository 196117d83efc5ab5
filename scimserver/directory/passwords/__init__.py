"""Passwords (rule P7): what they have to be, how they are kept and recognised, how they are set."""

from scimserver.directory.passwords.actions import attribute as attribute
from scimserver.directory.passwords.actions import change_own as change_own
from scimserver.directory.passwords.actions import clear as clear
from scimserver.directory.passwords.actions import find as find
from scimserver.directory.passwords.actions import policy_of as policy_of
from scimserver.directory.passwords.actions import set_by_administrator as set_by_administrator
from scimserver.directory.passwords.actions import set_by_link as set_by_link
from scimserver.directory.passwords.actions import store_attribute as store_attribute
from scimserver.directory.passwords.actions import use as use
from scimserver.directory.passwords.blocklist import Blocklist as Blocklist
from scimserver.directory.passwords.desk import NewPassword as NewPassword
from scimserver.directory.passwords.desk import PasswordDesk as PasswordDesk
from scimserver.directory.passwords.desk import generated as generated
from scimserver.directory.passwords.hashing import Cost as Cost
from scimserver.directory.passwords.hashing import PasswordDigest as PasswordDigest
from scimserver.directory.passwords.hashing import PasswordHasher as PasswordHasher
from scimserver.directory.passwords.hashing import Peppers as Peppers
from scimserver.directory.passwords.hashing import Verified as Verified
from scimserver.directory.passwords.model import Credential as Credential
from scimserver.directory.passwords.model import SetBy as SetBy
from scimserver.directory.passwords.model import Standing as Standing
from scimserver.directory.passwords.policy import MAX_LENGTH as MAX_LENGTH
from scimserver.directory.passwords.policy import MIN_LENGTH as MIN_LENGTH
from scimserver.directory.passwords.policy import Policy as Policy
from scimserver.directory.passwords.policy import Profile as Profile
from scimserver.directory.passwords.policy import requirements as requirements
