"""Files of users as commands read and write them: their format, their encoding, and how far one is.

A file that is written appears under its name when it is whole, and for nobody else to read.
"""

import io
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from scimserver.cli.runtime import let_go_of_output
from scimserver.directory.transfer import Format
from scimserver.kernel.errors import Unavailable

_ENDINGS = {".csv": Format.CSV, ".json": Format.JSON, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL}

format_option = click.option(
    "--format",
    "written",
    type=click.Choice([each.value for each in Format]),
    help="How the file is written; else its name says so.",
)


def format_of(path: Path | None, written: str | None, default: Format | None = None) -> Format:
    """The format that was asked for, or that the ending of a file's name says."""
    if written is not None:
        return Format(written)
    found = _ENDINGS.get(path.suffix.lower()) if path is not None else None
    if found is None and default is None:
        raise click.UsageError("Say how the file is written: --format csv, json or jsonl.")
    return found or default or Format.CSV


@contextmanager
def opened(path: Path) -> Generator[tuple[TextIO, BinaryIO, int | None]]:
    """The text of a file ("-" is standard input), the bytes below, and how many there are, if that is known.

    A byte order mark is left out. Bytes that are no UTF-8 stay what they are, for whoever reads to say so.
    """
    is_piped = str(path) == "-"
    with sys.stdin.buffer if is_piped else path.open("rb") as binary:
        size = None if is_piped else path.stat().st_size
        yield io.TextIOWrapper(binary, "utf-8-sig", errors="surrogateescape", newline=""), binary, size


@contextmanager
def written_to(path: Path | None) -> Generator[Callable[[str], object]]:
    """Writes text to a file, or to standard output where none is named.

    A regular file is put in place when it is whole, there where a symbolic link leads; anything else
    (a pipe, a device) is written to as it is. Raises `Unavailable` where that fails: before the block,
    where the file cannot even be made.
    """
    try:
        with _standard_output() if path is None else _target(path) as binary:
            yield lambda text: binary.write(text.encode())
    except BrokenPipeError:
        # Nobody reads on: that is an end, and no failure.
        raise
    except OSError as failed:
        what = "Standard output" if path is None else path
        raise Unavailable(f"{what} cannot be written: {failed.strerror}.") from failed


@contextmanager
def _standard_output() -> Generator[BinaryIO]:
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError:
        let_go_of_output()
        raise


def _target(path: Path) -> AbstractContextManager[BinaryIO]:
    return path.open("wb") if path.exists() and not path.is_file() else _put_in_place(path.resolve())


@contextmanager
def _put_in_place(path: Path) -> Generator[BinaryIO]:
    """A file that gets its name when the block has ended well, and is gone when it has not."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as made:
        try:
            yield cast(BinaryIO, made)
            made.flush()
            Path(made.name).replace(path)
        except BaseException:
            Path(made.name).unlink()
            raise


@contextmanager
def progress(what: str, total: int | None) -> Generator[Callable[[int], None]]:
    """A bar on a terminal's standard error, told how far things are; elsewhere nothing."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
