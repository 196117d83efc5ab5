"""Mail that is written to files, where there is no mail server."""

import resource
import stat
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTPUTF8
from pathlib import Path

import pytest

from scimserver.directory.mail import Failure, Kind
from scimserver.workers.letters import About, letter, message
from scimserver.workers.mailserver import Sender
from scimserver.workers.post import Folder, NotNow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SENDER = Sender(address="no-reply@id.example")


async def send(folder: Path, recipient: str = "ada@acme.example") -> None:
    about = About(account=recipient, organization="Größe", happened=NOON)
    mail = message(letter(Kind.PASSWORD_CHANGED, about), sender=SENDER, recipient=recipient, now=NOON)
    await Folder(path=folder).send(mail, SENDER.address, recipient)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@pytest.mark.parametrize("recipient", ["ada@acme.example", "żaneta@acme.example"])
async def test_mail_is_in_a_file_that_only_its_owner_reads(tmp_path: Path, recipient: str):
    folder = tmp_path / "data" / "mail"
    await send(folder, recipient)
    (path,) = files(folder)
    assert path.suffix == ".eml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    read = message_from_bytes(path.read_bytes(), policy=SMTPUTF8)
    assert (read["To"], read["Subject"]) == (recipient, "Your password for Größe was changed")


async def test_files_are_named_in_the_order_in_which_they_were_written(tmp_path: Path):
    names: list[str] = []
    for _ in range(5):
        await send(tmp_path)
        (new,) = {path.name for path in files(tmp_path)} - set(names)
        names.append(new)
    assert names == sorted(names)


async def test_folder_that_cannot_be_written_to_is_tried_again(tmp_path: Path):
    (tmp_path / "mail").write_text("a file stands where the folder should be")
    with pytest.raises(NotNow) as refused:
        await send(tmp_path / "mail")
    assert (refused.value.failure, refused.value.any_mail) == (Failure.NOT_WRITTEN, True)


async def test_mail_that_cannot_be_written_whole_leaves_no_file(tmp_path: Path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(NotNow):
            await send(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(tmp_path) == []
