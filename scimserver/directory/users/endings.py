"""What a change of a user ends elsewhere: sessions, links that were mailed for what the user no longer is.

Proven by tests/database/test_password_resets.py, tests/database/test_mail_worker.py and
tests/console/test_recovery_page.py.
"""

from scimserver.directory import notices, password_resets, sessions
from scimserver.directory.users import store
from scimserver.directory.users.marking import carry_out
from scimserver.directory.users.model import User
from scimserver.kernel.addresses import address_key
from scimserver.work import Work


async def end_of_change(work: Work, old: User, new: User, *, shut_in: bool) -> None:
    """End what was meant for another address, for another way to sign in, or for who is deactivated now.

    `shut_in` says that a password alone lets the user in no more, who keeps it for the recovery account.
    """
    await carry_out(work, old, new)
    renamed = old.user_name != new.user_name and address_key(old.user_name) != address_key(new.user_name)
    deactivated = old.active and not new.active
    if deactivated or shut_in:
        await sessions.end_every(work, new.id)
    if renamed or deactivated:
        await password_resets.revoke(work, new.id)
    if renamed and new.provider is not None:
        # Only a name that was the user's address is one: the next time, the user is linked by the new one.
        await work.run(store.UNLINK_ADDRESSES, work.actor.organization, new.id)
    if renamed:
        await notices.tell_former_address(work, old, old.user_name)
