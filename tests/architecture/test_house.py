"""The house: what may stand in no file of the repository.

Patterns have a letter in brackets, examples a bar inside a word: this file does not hold what it looks for.
"""

import re
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FORBIDDEN = {
    "registry hosts": r"py[p]i\.(?:org|io)|python[h]osted\.org|registry\.np[m]js|deb\.deb[i]an\.org",
    "paths of a machine": r"(?<![\w.])/(?:ro[o]t|ho[m]e/\w+|Us[e]rs/[a-z]\w*|wo[r]k|op[t]/dev)/[\w.]",
    "work left for later": r"\b(?:TO[D]O|FIX[M]E|XX[X])\b",
}
FORBIDDEN_IN_CODE = {
    "tests that do not run": r"pytest\.(?:sk[i]p|xf[a]il|importor[s]kip)|mark\.(?:sk[i]p|xf[a]il)",
    "lines that are not counted": r"pragma: no[ ]cover",
    "suppressions without a rule": r"#\s*(?:(?:ruff: )?no[q]a(?!:)|type: ig[n]ore|pyright: ig[n]ore(?!\[))",
    "suppressions without a reason": r"#\s*(?:(?:ruff: )?no[q]a:[ A-Z0-9,]*|pyright: ig[n]ore\[[^]]*\])\W*$",
    "strictness switched off for a file": r"#\s*pyr[i]ght:\s*(?:basic|standard)\b",
}
LEFT_OUT = {"LICENSE"}


@cache
def _texts() -> dict[str, str]:
    """Every text file that belongs to the repository, by its name."""
    texts: dict[str, str] = {}
    for name in _names():
        try:
            texts[name] = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return texts


def _names() -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        names = answer.stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        # An unpacked source distribution: only what it carries, not what tools left behind.
        kept = ("scimserver", "sql", "tests", "docs", ".ci", ".githooks")
        paths = [path for folder in kept for path in (ROOT / folder).rglob("*")] + list(ROOT.glob("*"))
        names = [str(path.relative_to(ROOT)) for path in paths if "__pycache__" not in path.parts]
    return sorted({name for name in names if name and name not in LEFT_OUT})


def _places(pattern: str, *, suffix: str = "") -> list[str]:
    found = re.compile(pattern)
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in _texts().items()
        if name.endswith(suffix)
        for number, line in enumerate(text.splitlines(), 1)
        if found.search(line)
    ]


def test_house_knows_its_files():
    assert {"pyproject.toml", "Makefile", "scimserver/__init__.py"} <= _texts().keys()


@pytest.mark.parametrize("what", FORBIDDEN)
def test_files_hold_none_of(what: str):
    assert _places(FORBIDDEN[what]) == []


@pytest.mark.parametrize("what", FORBIDDEN_IN_CODE)
def test_code_holds_none_of(what: str):
    assert _places(FORBIDDEN_IN_CODE[what], suffix=".py") == []


def test_rules_switched_off_for_a_file_say_why_on_the_line_above():
    # pyright reads such a comment to its end, so the reason cannot stand on the same line.
    switch = re.compile(r"^#\s*pyr[i]ght:\s*report")
    silent = [
        f"{name}:{number + 2}"
        for name, text in _texts().items()
        for number, (above, line) in enumerate(pairwise(text.splitlines()))
        if switch.search(line) and not above.startswith("# ")
    ]
    assert silent == []


def test_files_that_are_named_are_there():
    # Of several in one folder, the first alone is named with it.
    named = re.compile(
        r"(?<![\w./-])(?:(?:scimserver|tests|sql|docs)/[\w/*-]+\.|test_[\w*]+\.)(?:py|sql|md)\b"
    )
    missing = [
        f"{name}: {each}"
        for name, text in _texts().items()
        for each in sorted(set(named.findall(text)))
        if not any(ROOT.glob(each if "/" in each else f"tests/*/{each}"))
    ]
    assert missing == []


@pytest.mark.parametrize(
    "what,line",
    [
        ("registry hosts", "--index-url https://py|pi.org/simple"),
        ("paths of a machine", "see /ro|ot/notes.txt"),
        ("work left for later", "# TO|DO: later"),
        ("tests that do not run", "@pytest.mark.sk|ip(reason='slow')"),
        ("lines that are not counted", "else:  # pragma: no| cover"),
        ("suppressions without a rule", "x = y  # no|qa"),
        ("suppressions without a rule", "x = y  # type: ig|nore"),
        ("suppressions without a rule", "x = y  # pyright: ig|nore"),
        ("suppressions without a reason", "x = y  # no|qa: E501"),
        ("suppressions without a reason", "x = y  # no|qa: E501, S105"),
        ("suppressions without a reason", "x = y  # pyright: ig|nore[reportPrivateUsage]"),
        ("strictness switched off for a file", "# pyr|ight: basic"),
    ],
)
def test_pattern_finds_what_it_is_for(what: str, line: str):
    assert re.search((FORBIDDEN | FORBIDDEN_IN_CODE)[what], line.replace("|", ""))


@pytest.mark.parametrize(
    "line",
    [
        "x = y  # no|qa: S105 - a name, not a secret",
        "x = y  # pyright: ig|nore[reportPrivateUsage] - the library offers no other way",
    ],
)
def test_pattern_leaves_suppressions_with_a_reason_alone(line: str):
    written = line.replace("|", "")
    assert not any(re.search(pattern, written) for pattern in FORBIDDEN_IN_CODE.values())
