"""Filters as clients write them, made into what RFC 7644, section 3.4.2.2 asks for.

Entra checks a user's manager with `manager eq "…"`: without the extension's URN, and comparing the
complex attribute as if it were its value (Microsoft's own description of reference attributes).
Proven by tests/unit/test_filter_dialect.py.
"""

import re
from typing import Any, Final

from scimserver.scim.models import ENTERPRISE_SCHEMA

_MANAGER: Final = f"{ENTERPRISE_SCHEMA}:manager.value"
_WORDS: Final = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?<![\w:.$-])manager(?=\s+(?:eq|ne|co|sw|ew|pr)\b)', re.IGNORECASE
)


def normalise_filter(text: Any) -> Any:
    """The filter with a bare `manager` spelled out; anything that is no text is left to the core."""
    if not isinstance(text, str) or "manager" not in text.lower():
        return text
    return _WORDS.sub(lambda found: found["string"] or _MANAGER, text)
