"""The pictures of README and docs: each is in the list of those that are taken, and is there."""

import re
import struct
from pathlib import Path

import pytest

from tests.browser.pictures import IMAGES, PICTURES, Picture

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


def shown() -> list[tuple[Path, str, Path]]:
    """Every picture of every document: where, in what words, and its file."""
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        (document, words, (document.parent / address).resolve())
        for document in documents
        for words, address in SHOWN.findall(document.read_text())
    ]


def test_what_is_shown_is_taken_and_what_is_taken_is_shown() -> None:
    assert {file for _, _, file in shown()} == {one.file for one in PICTURES}
    assert {path for path in IMAGES.rglob("*") if path.is_file()} == {one.file for one in PICTURES}


def test_each_is_listed_once() -> None:
    assert len({one.name for one in PICTURES}) == len(PICTURES)


def test_each_says_in_words_what_it_shows() -> None:
    assert [document.name for document, words, _ in shown() if len(words.split()) < 3] == []


@pytest.mark.parametrize("picture", PICTURES, ids=lambda one: one.name)
def test_it_is_as_large_as_listed_and_quick_to_load(picture: Picture) -> None:
    content = picture.file.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    if picture.element:
        assert width < picture.size[0]
    else:
        assert (width, height) == picture.size
    assert len(content) <= 200_000
