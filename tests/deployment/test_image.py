"""The image and its steps: linted, small, without secrets, and started alike everywhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment import product
from tests.deployment.rendering import ROOT


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)`", text, re.MULTILINE))
    # The embedded servers of a development machine read theirs before there are settings.
    assert documented - {"LASTGANG_HOME"} == product.read_by_settings() - product.OF_THE_COMMAND


def test_web_processes_are_started_alike_everywhere() -> None:
    """By Procfile and image, and by the tests that say what a slow or large request meets."""
    kept = []
    for name in ("Procfile", "Dockerfile", "tests/tenants/processes.py"):
        text = (ROOT / name).read_text()
        kept.append(re.findall(r"--http1-[a-z-]+ \d+|--interface \w+|--workers \d+", text))
    assert kept[0] == kept[1]
    assert sorted(kept[0]) == sorted(kept[2])
    assert len(kept[0]) == 4


def test_the_image_can_collect_its_static_files(tmp_path: Path) -> None:
    """Run the step of the build that starts Django, with the values the Dockerfile gives it."""
    step = re.search(
        r"RUN (.*?)manage.py collectstatic", (ROOT / "Dockerfile").read_text(), re.DOTALL
    )
    assert step
    given = dict(re.findall(r"([A-Z_]+)=(\S+)", step.group(1)))
    # Where it is not said, manage.py takes the machine for one of development, and hashes nothing.
    assert given["LASTGANG_ENV"] == "production"
    assert set(given) == product.required() | {"LASTGANG_ENV"}
    found = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--dry-run"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **given},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert "static files copied" in found.stdout


def test_the_dockerfile_passes_its_linter() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    found = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("fault", ["FROM python:latest", "RUN cd /tmp", "RUN apt-get install make"])
def test_the_linter_finds_a_fault(fault: str, tmp_path: Path) -> None:
    spoilt = tmp_path / "Dockerfile"
    spoilt.write_text((ROOT / "Dockerfile").read_text() + f"\n{fault}\n")
    linter = Path(sys.executable).parent / "hadolint"
    assert subprocess.run([linter, spoilt], capture_output=True).returncode == 1


def test_the_image_leaves_behind_what_only_development_needs() -> None:
    removed = re.search(r"rm -rf ([\w ]+)", (ROOT / "Dockerfile").read_text())
    assert removed
    ignored = (ROOT / ".dockerignore").read_text().split()
    for name in ("tests", "benchmarks", "deploy", "docs", "k8s"):
        assert name in removed[1].split()
        assert (ROOT / name).is_dir()
    assert {".git", ".venv", ".env", ".lastgang*", "test-results"} <= set(ignored)
