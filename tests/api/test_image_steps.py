"""The container image: every instruction of the Dockerfile, exercised without a builder (tests/image.py)."""

import os
import re
import signal
import socket
import subprocess
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from scimserver import __version__
from scimserver.config import Settings
from tests.image import INSTALLATION, ROOT, Image, Instruction, build, carry_out, instructions, is_sent
from tests.processes import PUBLIC_URL, Program, ask

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image, built once: that every instruction is known and succeeds is proven by this alone."""
    return build(tmp_path_factory.mktemp("image"))


def account(image: Image) -> dict[str, Any]:
    """How a process runs as the image's USER; as ourselves where we may not, or it cannot reach Python."""
    uid, gid = map(int, image.said["USER"].text.split(":"))
    become: dict[str, Any] = {"user": uid, "group": gid, "extra_groups": []}
    if os.geteuid() != 0:
        return {}
    program = [str(image.inside(INSTALLATION) / "bin/python"), "--version"]
    try:
        subprocess.run(program, check=True, capture_output=True, **become)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return become


def run(image: Image, *words: str) -> subprocess.CompletedProcess[str]:
    """A program of the image, as its account."""
    return subprocess.run(
        words,
        env=image.environment(),
        cwd=image.root,
        capture_output=True,
        text=True,
        check=False,
        **account(image),
    )


def healthcheck(image: Image, port: int) -> list[str]:
    """The command of HEALTHCHECK, asking another port."""
    words = Instruction("CMD", image.said["HEALTHCHECK"].text.partition(" CMD ")[2]).words
    return [word.replace(image.variables["SCIMSERVER_PORT"], str(port)) for word in words]


# --- What is in it --------------------------------------------------------------------------------


def test_every_instruction_is_carried_out(image: Image):
    commands = [
        command for each in instructions() if each.word == "RUN" for command in each.text.split(" && ")
    ]
    assert commands
    assert image.inside(INSTALLATION).is_dir()


@pytest.mark.parametrize(
    "word,text",
    [
        ("VOLUME", "/data"),
        ("ADD", "x.tar /"),
        ("SHELL", '["bash"]'),
        ("RUN", "apt-get update"),
        ("RUN", "useradd scimserver"),
        ("COPY", "tests/api tests/api"),
        ("COPY", "nothing ./"),
    ],
)
def test_instruction_that_is_not_exercised_is_refused(tmp_path: Path, word: str, text: str):
    with pytest.raises(AssertionError):
        carry_out(Image(tmp_path), Instruction(word, text), {})


def test_both_stages_stand_on_the_same_supported_python():
    bases = {each.words[0] for each in instructions() if each.word == "FROM"}
    [version] = [re.fullmatch(r"python:(3\.\d+)-slim-\w+", base) for base in bases]
    assert version
    assert f"Programming Language :: Python :: {version[1]}" in PROJECT["classifiers"]


def test_image_holds_the_installation_alone(image: Image):
    files = {path.relative_to(image.root).as_posix() for path in image.root.glob("*/*")}
    assert files == {INSTALLATION.strip("/")}
    assert list(image.inside(INSTALLATION).glob("bin/pip*")) == []


def test_program_is_the_one_in_the_image(image: Image):
    told = run(image, "python", "-c", "import scimserver; print(scimserver.__file__)")
    assert told.stdout.startswith(str(image.inside(INSTALLATION))), told.stderr


@pytest.mark.parametrize(
    "words", [["--version"], ["serve", "--help"], ["migrate", "--help"], ["settings"]], ids=str
)
def test_program_runs_in_the_image(image: Image, words: list[str]):
    told = run(image, *image.said["ENTRYPOINT"].words, *words)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout


def test_program_has_the_version_of_the_repository(image: Image):
    assert __version__ in run(image, "scimserver", "--version").stdout


# --- What it says of itself -----------------------------------------------------------------------


def test_account_is_the_one_that_was_made_and_not_root(image: Image):
    uid, gid = image.said["USER"].text.split(":")
    assert image.accounts == {uid: "scimserver"}
    assert uid == gid != "0"


def test_port_is_the_same_everywhere(image: Image):
    port = image.variables["SCIMSERVER_PORT"]
    assert image.said["EXPOSE"].words == [port]
    assert healthcheck(image, 1) != healthcheck(image, 2)


def test_variables_are_settings(image: Image):
    own = {
        name.removeprefix("SCIMSERVER_").lower(): value
        for name, value in image.variables.items()
        if name.startswith("SCIMSERVER_")
    }
    # Every address, because a container has one of its own. No test listens there.
    assert own == {"host": "0.0.0.0", "port": "8080"}  # noqa: S104 - what the image says
    assert own.keys() <= Settings.model_fields.keys()


def test_labels_are_those_of_the_project(image: Image):
    told = {name.rpartition(".")[2]: value for name, value in image.labels.items()}
    assert (told["title"], told["licenses"]) == (PROJECT["name"], PROJECT["license"])


# --- The server in it -----------------------------------------------------------------------------


@contextmanager
def started(image: Image, folder: Path, dsn: str) -> Generator[Program]:
    """ENTRYPOINT and CMD, listening on loopback; stopped by STOPSIGNAL. As ourselves, like the database."""
    settings = {"DATABASE_URL": dsn, "PUBLIC_URL": PUBLIC_URL, "HOST": "127.0.0.1", "PORT": "0"}
    given = {f"SCIMSERVER_{name}": value for name, value in settings.items()}
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [*image.said["ENTRYPOINT"].words, *image.said["CMD"].words],
            env={**image.environment(), **given},
            cwd=image.root,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    running = Program(process=process, folder=folder)
    try:
        yield running
    finally:
        running.kill_group()
        process.wait()


def test_server_starts_is_found_healthy_and_stops(image: Image, tmp_path: Path, database_dsn: str):
    with started(image, tmp_path, database_dsn) as server:
        url = server.url()
        healthy = run(image, *healthcheck(image, urlsplit(url).port or 0))
        assert (healthy.returncode, healthy.stdout) == (0, "ready\n")
        assert ask(url + "/scim/v2/Users").status == 401
        server.signal(signal.Signals[image.said["STOPSIGNAL"].text])
        assert server.wait() == 0, server.stderr


def test_healthcheck_fails_where_nobody_answers(image: Image):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        told = run(image, *healthcheck(image, held.getsockname()[1]))
    assert told.returncode == 1


def test_server_without_settings_says_what_it_needs(image: Image):
    told = run(image, *image.said["ENTRYPOINT"].words, *image.said["CMD"].words)
    assert told.returncode == 2
    assert "SCIMSERVER_PUBLIC_URL" in told.stderr


# --- Beside it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path,sent",
    [
        ("pyproject.toml", True),
        ("scimserver/scim/face.py", True),
        ("sql/queries/users.sql", True),
        ("tests/conformance/dialogues/okta.json", True),
        ("tests/conformance/test_okta.py", False),
        ("tests/serving.py", False),
        ("scimserver/__pycache__/app.cpython-312.pyc", False),
        (".env", False),
        (".git/config", False),
        ("requirements-dev.txt", False),
    ],
)
def test_builder_is_sent_what_the_image_is_made_of(path: str, sent: bool):
    assert is_sent(path) is sent


def test_compose_runs_commands_and_names_settings_that_exist():
    text = (ROOT / "compose.yaml").read_text()
    assert set(re.findall(r"^    command: \[(\w+)\]$", text, re.MULTILINE)) == {"migrate", "serve"}
    named = {name.lower() for name in re.findall(r"SCIMSERVER_([A-Z_]+)", text)}
    assert named <= Settings.model_fields.keys()


def test_lint_always_reads_the_dockerfile():
    assert "\n\t@$(BIN)/hadolint Dockerfile\n" in (ROOT / "Makefile").read_text()
