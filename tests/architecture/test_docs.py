"""The documentation: tables come from code, what it names exists, links lead somewhere.

A table stands between `<!-- table: name -->` and `<!-- end -->`. `make docs` writes all tables anew
(SCIMSERVER_TEST_WRITE_DOCS=1); the tests compare.
"""

import inspect
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from scim2_server.routing import ROUTES

from scimserver.cli import main, runtime
from scimserver.config import Settings, documented
from scimserver.directory import limits as lengths
from scimserver.directory import passwords
from scimserver.directory.transfer import COLUMNS, Kind
from scimserver.http import hardening
from scimserver.kernel import errors, facts
from scimserver.kernel.permissions import OPERATOR_PERMISSIONS, SCOPE_PERMISSIONS, Permission, Scope
from scimserver.scim import bounds, face, filter_text, json_body, projection
from scimserver.scim import provider as service
from scimserver.scim.actions import Action
from scimserver.scim.dialects import DEVIATIONS, Means, table
from scimserver.scim.errors import scim_error
from scimserver.telemetry import Metrics
from tests.providers import OKTA

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), ROOT / "sql" / "README.md", *(ROOT / "docs").rglob("*.md")],
    key=lambda path: path.as_posix(),
)
VARIABLES_OF_TESTS = {"SCIMSERVER_TEST_DATABASE_URL", "SCIMSERVER_TEST_WRITE_DOCS"}

_TABLE = re.compile(r"(<!-- table: (?P<name>[a-z-]+) -->\n)(?P<rows>.*?)(<!-- end -->)", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)(?P<path>[^)#\s]+)")
_CODE = re.compile(r"```.*?\n(?P<block>.*?)```|`(?P<span>[^`\n]+)`", re.DOTALL)
_VARIABLE = re.compile(r"\bSCIMSERVER_[A-Z_]+\b")


# --- Tables ---------------------------------------------------------------------------------------


def _rows(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in rows]
    return "".join(f"| {line} |\n" for line in (" | ".join(heads), " | ".join("---" for _ in heads), *lines))


def _code(*texts: str) -> str:
    return " ".join(f"`{text}`" for text in texts if text)


def _sentence(documented_thing: object) -> str:
    return (inspect.getdoc(documented_thing) or "").partition("\n\n")[0].replace("\n", " ")


def _subclasses(kind: type) -> Iterator[type]:
    for direct in kind.__subclasses__():
        yield direct
        yield from _subclasses(direct)


def settings() -> str:
    """Every setting."""
    rows = ((_code(name), _code(default), text) for name, default, text in documented())
    return _rows(("variable", "default", "what it is for"), rows)


def commands() -> str:
    """Every command of the program, with what its help says first."""
    rows = ((_code(name), command.get_short_help_str(limit=200)) for name, command in _commands().items())
    return _rows(("command", "what it does"), rows)


def exit_codes() -> str:
    """The exit codes, as the module that gives them explains them."""
    explained = _sentence_after("Exit codes: ", runtime)
    rows = [part.partition(" ")[::2] for part in explained.rstrip(".").split(", ")]
    assert [int(code) for code, _ in rows] == [
        0,
        runtime.REFUSED,
        runtime.MISCONFIGURED,
        runtime.OUTSIDE_FAILED,
        runtime.PARTLY,
        runtime.INTERRUPTED,
    ]
    return _rows(("exit code", "meaning"), rows)


def _sentence_after(start: str, module: object) -> str:
    return (inspect.getdoc(module) or "").partition(start)[2].partition("\n\n")[0].replace("\n", " ")


def metrics() -> str:
    """What `/metrics` shows."""
    exposition = Metrics(multiprocess_dir=None).exposition()[0].decode()
    helps = dict(re.findall(r"# HELP (\S+) (.*)", exposition))
    types = dict(re.findall(r"# TYPE (\S+) (.*)", exposition))
    rows = ((_code(name), types[name], text) for name, text in helps.items() if not name.endswith("_created"))
    return _rows(("metric", "type", "what it counts"), rows)


def events() -> str:
    """What is logged, and what the outbox carries."""
    known = [kind for kind in vars(facts).values() if isinstance(kind, type) and issubclass(kind, facts.Fact)]
    rows = (
        (_code(kind.attempt), kind.outcome.value, _code(kind.name) if kind.announced else "", _sentence(kind))
        for kind in known
        if kind is not facts.Fact
    )
    return _rows(("event", "outcome", "outbox topic", "what happened"), rows)


def permissions() -> str:
    """What each scope of a token permits."""
    rows = (
        (
            _code(each),
            *("yes" if each in SCOPE_PERMISSIONS[scope] else "" for scope in Scope),
            "yes" if each in OPERATOR_PERMISSIONS else "",
        )
        for each in Permission
    )
    return _rows(("permission", *(_code(scope) for scope in Scope), "operator"), rows)


def endpoints() -> str:
    """Every path below the base, and the methods that it answers."""
    types = [str(kind.endpoint) for kind in service.provider(strict=False).resource_types]
    methods: dict[str, list[str]] = {}
    for route in ROUTES:
        expanded = types if "{endpoint}" in route.pattern else [""]
        for endpoint in expanded:
            path = route.pattern.replace("/{endpoint}", endpoint).replace("{resource_id}", "{id}")
            methods.setdefault(path, []).append(route.method)
    methods |= {f"/Users/{{id}}/{action}": ["POST"] for action in Action}
    notes = {
        "/Users/{id}/.clone": "[a clone](#cloning)",
        "/Users/{id}/.password": "[a password](#passwords)",
        "/Bulk": "501: not supported",
        "/Me": "403: a connection is no user",
    }
    config = service.provider(strict=False).config
    assert config is not None
    assert config.bulk is not None
    assert not config.bulk.supported
    rows = (
        (_code(path), ", ".join(dict.fromkeys(names)), notes.get(path, "")) for path, names in methods.items()
    )
    return _rows(("path", "methods", "note"), rows)


def refusals() -> str:
    """How each kind of refusal is answered, and under which reason the log files it."""
    rows: list[tuple[str, ...]] = []
    for kind in (errors.Refused, *_subclasses(errors.Refused)):
        if kind is errors.Refused or not kind.__module__.startswith("scimserver.kernel"):
            continue
        told: Any = OKTA if kind is errors.PasswordManagedElsewhere else "sentence"
        answered = scim_error(kind(told))
        assert answered is not None
        rows.append(
            (_code(kind.reason), str(answered.status), _code(answered.scim_type or ""), _sentence(kind))
        )
    return _rows(("reason in the log", "status", "`scimType`", "when"), rows)


def _octets() -> str:
    return f"{lengths.MAX_KEY_OCTETS} octets"


def _default(setting: str) -> Any:
    return Settings.model_fields[setting].default


def limits() -> str:
    """The numbers that bound a request."""
    rows = (
        ("body of a request", f"{face.BODY_LIMIT // 1024**2} MiB", "413"),
        ("body of a write below `/Groups`", f"{face.GROUP_BODY_LIMIT // 1024**2} MiB", "413"),
        ("`Content-Encoding` of a body", "none", "415"),
        ("nesting of a body", f"{json_body.MAX_DEPTH} levels", "400 `invalidSyntax`"),
        ("commas in a body", f"{json_body.MAX_COMMAS}", "413"),
        ("values in all lists of a user's body", f"{bounds.MAX_ENTRIES['User']}", "413"),
        ("values in all lists of a group's body", f"{bounds.MAX_ENTRIES['Group']}", "413"),
        ("the same, where it is not plain", f"{bounds.MAX_MODEL_ENTRIES['Group']}", "413"),
        ("operations in a PATCH of a user", f"{bounds.MAX_OPERATIONS}", "413"),
        ("operations in a PATCH of a group that is not plain", f"{bounds.MAX_OPERATIONS}", "413"),
        ("names in the values of a PATCH that is not plain", f"{bounds.MAX_NAMES}", "413"),
        ("names in a user's body that is not plain", f"{bounds.MAX_MODEL_NAMES['User']}", "413"),
        ("the same of a group's", f"{bounds.MAX_MODEL_NAMES['Group']}", "413"),
        ("`schemas` of a resource", f"{bounds.MAX_SCHEMAS} URNs", "413"),
        ("all paths of a PATCH that is not plain", f"{bounds.MAX_PATHS_LENGTH} characters", "413"),
        ("comparisons and presence tests in them", f"{bounds.MAX_PATHS_TERMS}", "413"),
        ("comparisons of entries by what is not plain", f"about {bounds.MAX_LOOKS}", "413"),
        (
            "a user, or a group without its members, as stored",
            f"{lengths.MAX_DOCUMENT_OCTETS // 1024} KiB",
            "400 `invalidValue`",
        ),
        ("user and family names, `displayName`, `externalId`", _octets(), "400 `invalidValue`"),
        ("resources on a page", f"{service.MAX_RESULTS}", "fewer are answered than asked for"),
        ("resources on a page when no `count` is sent", f"{service.DEFAULT_PAGE_SIZE}", ""),
        ("life of a cursor", f"{service.CURSOR_TIMEOUT} s", "400 `expiredCursor`"),
        ("length of a filter", f"{filter_text.MAX_LENGTH} characters", "400 `invalidFilter`"),
        ("comparisons and presence tests in a filter", f"{filter_text.MAX_TERMS}", "400 `invalidFilter`"),
        ("`attributes`, `excludedAttributes`", f"{projection.MAX_NAMES} names", "400 `invalidValue`"),
        ("`sortBy`", f"{bounds.MAX_SORT_LENGTH} characters", "400 `invalidPath`"),
        (
            "time of a search",
            f"{Settings.model_fields['search_timeout_ms'].default} ms (`SCIMSERVER_SEARCH_TIMEOUT_MS`)",
            "400 `tooMany`",
        ),
        ("requests of a connection", f"{_default('rate_limit'):g} a second (`SCIMSERVER_RATE_LIMIT`)", "429"),
        ("of them at once", f"{_default('rate_burst')} (`SCIMSERVER_RATE_BURST`)", "429"),
        ("time for a body to arrive", f"{_default('body_seconds'):g} s (`SCIMSERVER_BODY_SECONDS`)", "408"),
        ("first line of a request", f"{hardening.MAX_LINE_OCTETS // 1024} KiB", "400"),
        (
            "headers of a request",
            f"{hardening.MAX_FIELDS}, of {hardening.MAX_FIELD_OCTETS} octets each",
            "400",
        ),
        ("password", f"{passwords.MIN_LENGTH} to {passwords.MAX_LENGTH} characters", "400 `invalidValue`"),
    )
    return _rows(("what", "limit", "beyond it"), rows)


def deviations() -> str:
    """What is understood although the RFCs do not say it."""
    rows = (
        (_code(name), text.replace("<", "&lt;"), peers, means, source)
        for name, text, peers, means, source in table()
    )
    return _rows(("name", "what arrives, what it is taken for", "seen from", "by", "source"), rows)


def columns() -> str:
    """The columns of a file of users."""
    rows = (
        (
            _code(each.name),
            "text" if each.kind in (Kind.TEXT, Kind.ROLE) else each.kind.value,
            "yes" if each.stays else "",
            each.note,
        )
        for each in COLUMNS
    )
    return _rows(("column", "holds", "every user has one", ""), rows)


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "commands": commands,
    "exit-codes": exit_codes,
    "metrics": metrics,
    "events": events,
    "permissions": permissions,
    "endpoints": endpoints,
    "refusals": refusals,
    "limits": limits,
    "deviations": deviations,
    "columns": columns,
}


def _with_tables(text: str) -> str:
    return _TABLE.sub(lambda found: found[1] + "\n" + TABLES[found["name"]]() + "\n" + found[4], text)


def _placed() -> list[tuple[Path, str]]:
    return [(path, found["name"]) for path in PAGES for found in _TABLE.finditer(path.read_text())]


@pytest.fixture(scope="module", autouse=True)
def written() -> None:
    """Write the tables anew where that is asked for."""
    if os.environ.get("SCIMSERVER_TEST_WRITE_DOCS") == "1":
        for path in PAGES:
            # Put in place whole: other processes of the tests read and write it too.
            aside = path.with_name(f".{path.name}.{os.getpid()}")
            aside.write_text(_with_tables(path.read_text()))
            aside.replace(path)


@pytest.mark.parametrize(
    "path,name", _placed(), ids=[f"{path.relative_to(ROOT).as_posix()}-{name}" for path, name in _placed()]
)
def test_table_says_what_the_code_says(path: Path, name: str):
    found = next(each for each in _TABLE.finditer(path.read_text()) if each["name"] == name)
    assert found["rows"].strip() == TABLES[name]().strip(), "run `make docs`"


def test_tables_are_all_shown():
    assert {name for _, name in _placed()} == TABLES.keys()


# --- What code must say for itself ----------------------------------------------------------------


def test_settings_are_described():
    assert [name for name, _, text in documented() if not text.endswith(".")] == []


def test_facts_are_described():
    inherited = _sentence(facts.Fact)
    silent = [kind.__name__ for kind in _subclasses(facts.Fact) if _sentence(kind) in ("", inherited)]
    assert silent == []


def test_deviations_have_a_source():
    assert [each.name for each in DEVIATIONS if not each.source or not isinstance(each.means, Means)] == []


# --- What the pages name --------------------------------------------------------------------------


def _commands() -> dict[str, click.Command]:
    """Each command that does something, by its words."""
    context = click.Context(main)
    found: dict[str, click.Command] = {}
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= {f"{name} {inner}": command.commands[inner] for inner in sorted(command.commands)}
        else:
            found[name] = command
    return found


def _invocations(path: Path) -> Iterator[str]:
    """The calls of the program that a page shows in code."""
    for code in _CODE.finditer(path.read_text()):
        for line in (code["block"] or code["span"]).splitlines():
            for part in re.split(r"[|;&]+ ", line.removeprefix("$ ")):
                if re.match(r"scimserver [a-z]", part.strip()):
                    yield part.strip()


def _fault(invocation: str) -> str | None:
    """What is wrong with a call of the program, if its words or its options do not exist."""
    words = shlex.split(invocation, comments=True)[1:]
    known = _commands()
    names = [name for name in (" ".join(words[:2]), words[0]) if name in known]
    if not names:
        return (
            None if len(words) == 1 and any(name.startswith(words[0] + " ") for name in known) else invocation
        )
    options = {
        name for parameter in known[names[0]].params for name in (*parameter.opts, *parameter.secondary_opts)
    }
    asked = {word.partition("=")[0] for word in words if word.startswith("--")}
    return None if asked <= options | {"--help"} else f"{invocation}: {sorted(asked - options)}"


@pytest.mark.parametrize("path", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_commands_that_are_shown_exist(path: Path):
    assert [fault for call in _invocations(path) if (fault := _fault(call))] == []


@pytest.mark.parametrize(
    "invocation",
    ["scimserver org destroy acme", "scimserver serve --faster", "scimserver fly", "scimserver org x"],
)
def test_command_that_does_not_exist_is_found(invocation: str):
    assert _fault(invocation)


@pytest.mark.parametrize("path", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_variables_that_are_named_are_settings(path: Path):
    known = {name for name, _, _ in documented()} | VARIABLES_OF_TESTS | {"SCIMSERVER_TOKEN"}
    assert set(_VARIABLE.findall(path.read_text())) <= known


@pytest.mark.parametrize("path", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_links_lead_somewhere(path: Path):
    links = [found["path"] for found in _LINK.finditer(path.read_text())]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_decisions_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
