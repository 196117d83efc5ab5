"""Fixtures of the database tier."""

from tests.commands import acme as acme
from tests.commands import clean_settings as clean_settings
from tests.commands import commands as commands
from tests.desks import desk as desk
from tests.importing import office as office
from tests.mailing import house as house
from tests.postbox import authority as authority
from tests.postbox import postbox as postbox
from tests.posting import mailer as mailer
from tests.removing import provided as provided
from tests.works import connection as connection
from tests.works import open_work as open_work
from tests.works import room as room
from tests.works import rows as rows
from tests.works import thing as thing
