"""The colours of the pages: enough contrast, on light ground and on dark (WCAG 2.2: 1.4.3, 1.4.11)."""

import re
from importlib.resources import files

import pytest

SHEET = files("scimserver.console").joinpath("static/console.css").read_text("utf-8")
TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", SHEET)
}
TEXT = [
    ("text", "ground"),
    ("text", "surface"),
    ("muted", "surface"),
    ("link", "surface"),
    ("link", "ground"),
    ("on-accent", "accent"),
    ("danger", "surface"),
    ("danger", "danger-ground"),
    ("text", "danger-ground"),
    ("text", "notice-ground"),
]
"""What is written in which colour on which ground: 4.5 to 1."""

EDGES = [("border", "surface"), ("danger", "surface"), ("accent", "surface"), ("accent", "ground")]
"""What shows where something is, on which ground: 3 to 1."""


def luminance(colour: str) -> float:
    """The relative luminance of a colour (WCAG 2.2)."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("colour,ground", TEXT)
def test_text_can_be_read(scheme: int, colour: str, ground: str):
    assert contrast(TOKENS[colour][scheme], TOKENS[ground][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("colour,ground", EDGES)
def test_edges_can_be_seen(scheme: int, colour: str, ground: str):
    assert contrast(TOKENS[colour][scheme], TOKENS[ground][scheme]) >= 3


def test_colours_are_tokens():
    rules = SHEET.partition("*, *::before")[2]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgb|\bhsl", rules) == []


def test_sheet_takes_nothing_from_elsewhere():
    assert re.findall(r"@import|url\(|http", SHEET) == []


def test_contrast_is_computed_as_the_standard_does():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
