"""SAML connections: identity providers that sign the people of an organisation in.

What a response has to be is the matter of `access.saml`; here is what is kept. `model`, `certificates` and
`keys` are pure, `actions` and `rollover` are the verbs, `store` keeps the rows.
"""

from scimserver.directory.saml.actions import create as create
from scimserver.directory.saml.actions import every as every
from scimserver.directory.saml.actions import find as find
from scimserver.directory.saml.actions import switch as switch
from scimserver.directory.saml.actions import update as update
from scimserver.directory.saml.certificates import Certificate as Certificate
from scimserver.directory.saml.certificates import parse_certificate as parse_certificate
from scimserver.directory.saml.discovery import Elsewhere as Elsewhere
from scimserver.directory.saml.discovery import elsewhere as elsewhere
from scimserver.directory.saml.keys import Key as Key
from scimserver.directory.saml.keys import Role as Role
from scimserver.directory.saml.keys import Safe as Safe
from scimserver.directory.saml.keys import listed as listed
from scimserver.directory.saml.keys import place_of as place_of
from scimserver.directory.saml.links import Meant as Meant
from scimserver.directory.saml.links import hold as hold
from scimserver.directory.saml.links import is_proven as is_proven
from scimserver.directory.saml.links import known_as as known_as
from scimserver.directory.saml.links import link as link
from scimserver.directory.saml.links import linked as linked
from scimserver.directory.saml.links import named as named
from scimserver.directory.saml.links import provisioned as provisioned
from scimserver.directory.saml.looking import Claimed as Claimed
from scimserver.directory.saml.looking import claim_look as claim_look
from scimserver.directory.saml.looking import finish_look as finish_look
from scimserver.directory.saml.looking import want_look as want_look
from scimserver.directory.saml.model import LOOKED_AT_EVERY as LOOKED_AT_EVERY
from scimserver.directory.saml.model import Provider as Provider
from scimserver.directory.saml.model import SamlConnection as SamlConnection
from scimserver.directory.saml.model import State as State
from scimserver.directory.saml.model import Wanted as Wanted
from scimserver.directory.saml.model import difference as difference
from scimserver.directory.saml.model import parse_path_id as parse_path_id
from scimserver.directory.saml.model import path_id as path_id
from scimserver.directory.saml.model import require_web_address as require_web_address
from scimserver.directory.saml.requests import AnsweredAlready as AnsweredAlready
from scimserver.directory.saml.requests import Asked as Asked
from scimserver.directory.saml.requests import UsedBefore as UsedBefore
from scimserver.directory.saml.requests import asked as asked
from scimserver.directory.saml.requests import begin_sign_in as begin_sign_in
from scimserver.directory.saml.requests import begin_trial as begin_trial
from scimserver.directory.saml.requests import count_refused as count_refused
from scimserver.directory.saml.requests import finish_trial as finish_trial
from scimserver.directory.saml.requests import use_up as use_up
from scimserver.directory.saml.rollover import publish_key as publish_key
from scimserver.directory.saml.rollover import retire_key as retire_key
from scimserver.directory.saml.rollover import switch_key as switch_key
from scimserver.directory.saml.store import get as get
