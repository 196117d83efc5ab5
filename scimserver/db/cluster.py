"""The data directory of the embedded server: what lies in it, and how it is first filled.

lock        held by the one process that owns the server
cluster/    PostgreSQL's own files
socket/     where to connect; elsewhere if the path is too long for a Unix socket
server.log  what the server says
programs/   a copy of PostgreSQL's programs, only where the account could not read the originals
"""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from scimserver.db.programs import Account, EmbeddedPostgresError, Programs, environment

DATABASE = "scimserver"
PORT = 5432
"""Part of the socket's name; nothing listens on the network."""
_SOCKET = f".s.PGSQL.{PORT}"
_LONGEST_SOCKET_PATH = 107
_PRIVATE = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDirectory:
    """Paths of one embedded server, and the account that they belong to."""

    root: Path
    owner: Account

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own files."""
        return self.root / "cluster"

    @property
    def lock(self) -> Path:
        """The file whose lock says who owns the server."""
        return self.root / "lock"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.root / "server.log"

    @property
    def programs(self) -> Path:
        """Copies of programs."""
        return self.root / "programs"

    @property
    def socket(self) -> Path:
        """The socket's directory; a comma would read as a list of hosts in a DSN."""
        inside = self.root / "socket"
        if len(os.fsencode(inside / _SOCKET)) <= _LONGEST_SOCKET_PATH and "," not in str(inside):
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"scimserver-{digest}"

    @property
    def socket_file(self) -> Path:
        """The socket itself."""
        return self.socket / _SOCKET

    @property
    def socket_lock(self) -> Path:
        """PostgreSQL's note of the process id that listens on the socket."""
        return self.socket / f"{_SOCKET}.lock"

    @property
    def dsn(self) -> str:
        """How to connect."""
        return f"postgresql://{DATABASE}@/{DATABASE}?host={quote(str(self.socket), safe='')}&port={PORT}"

    @property
    def major(self) -> int | None:
        """The PostgreSQL that made the cluster; None when there is no cluster yet."""
        try:
            return int((self.cluster / "PG_VERSION").read_text("ascii"))
        except FileNotFoundError:
            return None


def prepare(directory: DataDirectory) -> None:
    """Make what is missing but the cluster; an empty directory is given to the account.

    Raises `EmbeddedPostgresError` if the account cannot use the directory.
    """
    owner = directory.owner
    try:
        if set(directory.root.iterdir()) == {directory.lock}:
            os.chown(directory.root, owner.uid, owner.gid)
            directory.root.chmod(_PRIVATE)
        private_directory(directory.socket, owner)
    except OSError as error:
        raise EmbeddedPostgresError(f"the data directory cannot be used: {error}") from error
    if owner.runs(["test", "-x", directory.root]) is None:
        raise EmbeddedPostgresError(
            f"{owner.name}, which runs PostgreSQL, cannot enter {directory.root}: choose a data"
            " directory outside of closed ones, such as /var/lib/scimserver"
        )


def private_directory(path: Path, owner: Account) -> None:
    """Make a directory that only the account can enter; one that is already there must be such."""
    try:
        path.mkdir(mode=_PRIVATE)
    except FileExistsError:
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == owner.uid and not found.st_mode & 0o077:
            return
        raise EmbeddedPostgresError(
            f"{path} is there already, but is no private directory of {owner.name}: remove it"
        ) from None
    os.chown(path, owner.uid, owner.gid)


def initialise(directory: DataDirectory, programs: Programs, *, fast: bool) -> None:
    """Make the cluster with its database, whole or not at all; raises `EmbeddedPostgresError`."""
    unfinished = directory.root / "cluster.unfinished"
    sync = ["--no-sync"] if fast else []
    command = [programs.folder / "initdb", "-D", unfinished, "-U", DATABASE, "-A", "trust", "-E", "UTF8"]
    # Not every system has C.UTF-8; C sorts the same way but knows letters of ASCII only.
    for locale in ("C.UTF-8", "C"):
        shutil.rmtree(unfinished, ignore_errors=True)
        private_directory(unfinished, directory.owner)
        said = _run(directory, [*command, f"--locale={locale}", "--data-checksums", *sync])
        if said is None:
            break
    else:
        raise EmbeddedPostgresError(f"the database could not be initialised: {said}")
    single = [
        programs.folder / "postgres",
        "--single",
        "-c",
        "exit_on_error=on",
        "-D",
        unfinished,
        "postgres",
    ]
    said = _run(directory, single, f"CREATE DATABASE {DATABASE}\n")
    if said is not None:
        raise EmbeddedPostgresError(f"the database could not be created: {said}")
    unfinished.rename(directory.cluster)


def _run(directory: DataDirectory, command: list[str | Path], text: str = "") -> str | None:
    """Run as the owner; None when it went well, else the last lines of what it said."""
    done = subprocess.run(  # noqa: S603 - the command is ours
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd="/",
        env=environment(),
        check=False,
        **directory.owner.identity,
    )
    return None if done.returncode == 0 else " ".join(done.stdout.splitlines()[-3:])
