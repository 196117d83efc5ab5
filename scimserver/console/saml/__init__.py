"""Where identity providers send people, and what they have to know of us."""

from scimserver.console.saml.face import SamlFace as SamlFace
