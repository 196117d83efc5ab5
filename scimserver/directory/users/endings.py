"""What a change of a user ends elsewhere: links that were mailed for what the user no longer is.

Proven by tests/database/test_password_resets.py and tests/database/test_mail_worker.py.
"""

from scimserver.directory import notices, password_resets
from scimserver.directory.users.model import User
from scimserver.kernel.addresses import address_key
from scimserver.work import Work


async def end_of_change(work: Work, old: User, new: User) -> None:
    """End what was meant for another address, or for somebody who is deactivated now."""
    renamed = old.user_name != new.user_name and address_key(old.user_name) != address_key(new.user_name)
    if renamed or (old.active and not new.active):
        await password_resets.revoke(work, new.id)
    if renamed:
        await notices.tell_former_address(work, old, old.user_name)
