"""SAML responses that nobody may be let in by, each under a name that says what is wrong with it.

`said` are signed by the right key and say the wrong thing, `signing` are signed in a wrong way, `wrapping`
hide the signed assertion behind another one, `spelling` are no text that a response is written in, `costly`
take long to look at.
"""

from collections.abc import Callable

Response = Callable[[], str]
"""Makes a response as a browser sends it."""
