"""Passwords (rule P7): what they have to be, how they are kept and recognised."""

from scimserver.directory.passwords.hashing import Cost as Cost
from scimserver.directory.passwords.hashing import PasswordDigest as PasswordDigest
from scimserver.directory.passwords.hashing import PasswordHasher as PasswordHasher
from scimserver.directory.passwords.hashing import Peppers as Peppers
from scimserver.directory.passwords.hashing import Verified as Verified
from scimserver.directory.passwords.policy import MAX_LENGTH as MAX_LENGTH
from scimserver.directory.passwords.policy import MIN_LENGTH as MIN_LENGTH
from scimserver.directory.passwords.policy import check as check
