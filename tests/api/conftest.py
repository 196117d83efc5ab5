"""Fixtures of this tier: the whole application over HTTP."""

from tests.serving import installation as installation
from tests.serving import scim as scim
from tests.serving import strict_scim as strict_scim
