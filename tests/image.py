"""What the Dockerfile describes, built in a folder that stands for the root of the image.

No builder and no index are needed: each instruction is carried out, with its paths inside the folder.
What is not carried out as written is said where it is changed. An instruction, option or command
that is not known here is refused, so that whoever adds one says how it is exercised.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).resolve().parents[1]
INSTALLATION: Final = "/opt/scimserver"
"""Where the server is in the image."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A line of the Dockerfile, continuation lines joined."""

    word: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments, of the JSON form or of the shell form."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


def instructions() -> list[Instruction]:
    """The Dockerfile, taken apart."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets the builder have a file: the last rule that fits decides."""
    sent = True
    parents = [path, *(str(parent) for parent in Path(path).parents)][:-1]
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = rule.removeprefix("!")
        if rule and not rule.startswith("#") and any(_fits(each, pattern) for each in parents):
            sent = rule.startswith("!")
    return sent


def _fits(path: str, pattern: str) -> bool:
    parts, wanted = path.split("/"), pattern.split("/")
    if wanted[0] == "**":
        parts, wanted = parts[-1:], wanted[1:]
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


@dataclass(slots=True)
class Image:
    """An image as far as it has been built: its files below `root`, and what it says of itself."""

    root: Path
    base: str = ""
    folder: str = "/"
    variables: dict[str, str] = field(default_factory=dict[str, str])
    labels: dict[str, str] = field(default_factory=dict[str, str])
    accounts: dict[str, str] = field(default_factory=dict[str, str])
    said: dict[str, Instruction] = field(default_factory=dict[str, Instruction])
    """What takes effect when the image runs: USER, EXPOSE, ENTRYPOINT, and their like."""
    done: list[str] = field(default_factory=list[str])
    """Every command that was carried out."""

    def inside(self, path: str) -> Path:
        """A path of the image, below the folder that stands for its root."""
        return self.root / (path if path.startswith("/") else f"{self.folder}/{path}").lstrip("/")

    def environment(self) -> dict[str, str]:
        """The variables of whoever runs something in the image, their paths below its root."""
        own = {
            name: value.replace(INSTALLATION, str(self.inside(INSTALLATION)))
            for name, value in self.variables.items()
        }
        path = own.pop("PATH", "$PATH").replace("$PATH", os.environ["PATH"])
        # Python's own variables would let in what is not in the image.
        foreign = {name for name in os.environ if name.startswith(("PYTHON", "SCIMSERVER_", "PIP_"))}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        return {**kept, **own, "PATH": path, "PIP_CONFIG_FILE": os.devnull}


def build(folder: Path) -> Image:
    """Carry out every instruction; the last stage is the image. Raises where one fails or is not known."""
    stages: dict[str, Path] = {}
    image = Image(folder / "root")
    name = ""
    for instruction in instructions():
        if instruction.word == "FROM":
            if name:
                # The next stage stands at the same place: programs know their absolute paths.
                stages[name] = image.root.rename(folder / name)
            image = Image(folder / "root", base=instruction.words[0])
            image.root.mkdir(parents=True)
            name = instruction.words[-1]
        else:
            carry_out(image, instruction, stages)
    return image


def carry_out(image: Image, instruction: Instruction, stages: Mapping[str, Path]) -> None:
    """Do what an instruction says; `stages` are the roots of former stages. Raises for what is not known."""
    words = instruction.words if instruction.word not in ("RUN", "HEALTHCHECK") else []
    match instruction.word:
        case "ENV":
            image.variables |= dict(_pairs(words))
        case "LABEL":
            image.labels |= dict(_pairs(words))
        case "WORKDIR":
            image.folder = words[0]
            image.inside(".").mkdir(parents=True)
        case "COPY":
            _copy(image, words, stages)
        case "RUN":
            for command in instruction.text.split(" && "):
                _run(image, command)
                image.done.append(command)
        case "USER" | "EXPOSE" | "STOPSIGNAL" | "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
            image.said[instruction.word] = instruction
        case _:
            raise AssertionError(f"not exercised: {instruction}")


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        name, _, value = word.partition("=")
        yield name, value


def _copy(image: Image, words: list[str], stages: Mapping[str, Path]) -> None:
    options = [word for word in words if word.startswith("--")]
    *sources, target = [word for word in words if not word.startswith("--")]
    if options:
        [option] = options
        stage = stages[option.removeprefix("--from=")]
        for source in sources:
            shutil.copytree(stage / source.lstrip("/"), image.inside(target), symlinks=True)
        return
    for source in sources:
        files = list(_sent_files(source))
        assert files, f"COPY {source}: the builder does not get it"
        for file in files:
            place = image.inside(target) / (file.relative_to(source) if (ROOT / source).is_dir() else file)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, place)


def _sent_files(source: str) -> Iterator[Path]:
    found = [ROOT / source] if (ROOT / source).is_file() else sorted((ROOT / source).rglob("*"))
    for path in found:
        name = path.relative_to(ROOT)
        if path.is_file() and is_sent(name.as_posix()):
            yield name


# --- RUN ------------------------------------------------------------------------------------------

_ACCOUNT: Final = re.compile(
    r"useradd --uid (?P<uid>\d+) --user-group --no-create-home --home-dir /nonexistent"
    r" --shell /usr/sbin/nologin (?P<name>\w+)"
)


def _run(image: Image, command: str) -> None:
    if account := _ACCOUNT.fullmatch(command):
        # Not carried out: it would make an account on this machine.
        image.accounts[account["uid"]] = account["name"]
        return
    words = shlex.split(command)
    assert words[:2] == ["python", "-m"], f"not exercised: RUN {command}"
    words = [word.replace(INSTALLATION, str(image.inside(INSTALLATION))) for word in words]
    words = [name for word in words for name in _expanded(image, word)]
    if "--require-hashes" in words:
        # Nothing is fetched: packages of this environment, which `make develop` installed from pins with
        # checked hashes, are lent to the one in the image. That pip finds nothing left to do shows that
        # it reads the pins in the mode that checks hashes, and that they are what the server runs with.
        words += ["--no-index", "--dry-run"]
    environment = image.environment()
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=image.inside("."),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"RUN {command}\n{done.stdout}{done.stderr}"
    assert "Would install" not in done.stdout, done.stdout
    if words[2] == "venv":
        _lend_packages(image)


def _expanded(image: Image, word: str) -> list[str]:
    if "*" not in word:
        return [word]
    return [str(path) for path in sorted(image.inside(".").glob(word))]


def _lend_packages(image: Image) -> None:
    """Put the packages of requirements.txt, and no others, into the image's environment."""
    [packages] = image.inside(INSTALLATION).glob("lib/python*/site-packages")
    pins = (ROOT / "requirements.txt").read_text()
    for pin in re.findall(r"^[a-z0-9-]+(?:\[[a-z0-9,-]+\])?==[^\\]+", pins, re.MULTILINE):
        needed = Requirement(pin.strip())
        if needed.marker is None or needed.marker.evaluate():
            installed = distribution(needed.name)
            tops = {
                file.parts[0] for file in installed.files or () if file.parts[0] not in ("..", "__pycache__")
            }
            for top in tops:
                (packages / top).symlink_to(Path(str(installed.locate_file(top))).resolve())
