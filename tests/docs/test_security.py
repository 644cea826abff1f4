"""What docs/security.md says: each chapter of the standard, and tests that there are."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
TEXT = (ROOT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`((?:[a-z_]+/)+test_\w+\.py)(?:::(\w+))?`", TEXT)
# Chapters of ASVS 5.0.0.
CHAPTERS = range(1, 18)


@cache
def names_in(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(("file", "name"), NAMED, ids=["::".join(one) for one in NAMED])
def test_each_test_that_is_named_is_there(file: str, name: str) -> None:
    path = ROOT / "tests" / file
    assert path.is_file()
    assert names_in(path)
    assert not name or name in names_in(path)


def rows() -> dict[int, list[str]]:
    """The table of chapters: what is done and which tests show it."""
    found = {}
    for line in TEXT.splitlines():
        if match := re.match(r"\| V(\d+) ", line):
            found[int(match[1])] = [cell.strip() for cell in line.strip("|").split("|")]
    return found


def test_every_chapter_is_answered() -> None:
    assert list(rows()) == list(CHAPTERS)
    for chapter, (_, done, shown) in rows().items():
        is_left_out = done.startswith("Not applicable")
        assert bool(shown) != is_left_out, f"V{chapter} has neither tests nor a reason"


def test_sections_are_of_chapters_that_there_are() -> None:
    sections = re.findall(r"\b(\d+)\.\d+\.\d+\b", TEXT.partition("## What is not met")[2])
    assert len(sections) > 10
    assert {int(one) for one in sections} <= set(CHAPTERS)


def test_each_link_leads_somewhere() -> None:
    for name in ("SECURITY.md", "docs/security.md"):
        page = ROOT / name
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).is_file(), f"{name}: {target}"


def test_others_lead_to_it() -> None:
    for name, target in (
        ("README.md", "docs/security.md"),
        ("docs/README.md", "security.md"),
        ("CONTRIBUTING.md", "SECURITY.md"),
    ):
        assert f"]({target})" in (ROOT / name).read_text(), name
