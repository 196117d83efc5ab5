"""SQL as text: where comments, quotations and parameters are (PostgreSQL manual, section 4.1).

Just enough of the lexical rules to strip comments, split statements and renumber `$n` without
touching what only looks like one of them inside a quotation.
"""

import re

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<quotation>
          \b[eE]'(?:[^'\\]|\\.|'')*'
        | '(?:[^']|'')*'
        | "(?:[^"]|"")*"
        | (?<![\w$])\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$
      )
    | (?<![\w$])\$(?P<parameter>\d+)
    | (?P<end>;)
    | (?P<blank>[ \t]*\n\s*\n | [ \t]+(?=\n))
    """,
    re.VERBOSE | re.DOTALL,
)


def without_comments(sql: str) -> str:
    """The same statements without comments and blank lines."""
    bare = _TOKEN.sub(lambda token: " " if token["comment"] else token[0], sql)
    return _TOKEN.sub(_without_blanks, bare).strip()


def statements(sql: str) -> list[str]:
    """Each statement by itself, without comments and without its semicolon."""
    bare = without_comments(sql)
    cuts = [token.start() for token in _TOKEN.finditer(bare) if token["end"]]
    starts = [0, *(cut + 1 for cut in cuts)]
    pieces = [bare[start:stop].strip() for start, stop in zip(starts, [*cuts, len(bare)], strict=True)]
    return [piece for piece in pieces if piece]


def parameters(sql: str) -> set[int]:
    """The numbers of the parameters that the text uses."""
    return {int(token["parameter"]) for token in _TOKEN.finditer(sql) if token["parameter"]}


def renumbered(sql: str, by: int) -> str:
    """The same text with every parameter `$n` turned into `$(n + by)`."""
    return _TOKEN.sub(
        lambda token: f"${int(token['parameter']) + by}" if token["parameter"] else token[0], sql
    )


def _without_blanks(token: re.Match[str]) -> str:
    if not token["blank"]:
        return token[0]
    return "\n" if "\n" in token[0] else ""
