"""The guides' commands, run one after the other against a tenant that is served."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.examples import GUIDE, HOST, KINDS, WRITING, blocks, matches
from tests.published import Published, published

# What is printed while it is fetched is no part of an answer.
QUIET = 'curl() { command curl --silent --show-error "$@"; }\n'


@pytest.fixture
def tenant(
    django_db_setup: None, django_db_blocker: Any, recordings: Path, tmp_path: Path
) -> Iterator[Published]:
    with django_db_blocker.unblock(), published(recordings, tmp_path / "web.log") as made:
        yield made


@pytest.mark.parametrize("guide", [GUIDE, WRITING], ids=lambda path: path.name)
def test_what_the_commands_print_is_what_is_shown(
    guide: Path, tenant: Published, tmp_path: Path
) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    differ = []
    for block in blocks(guide):
        for command, shown in block.steps() if block.kind == "console" else ():
            done = subprocess.run(
                ["bash", "-c", QUIET + command.replace(HOST, tenant.address)],
                cwd=tmp_path,
                env=os.environ | {"TOKEN": tenant.token},
                capture_output=True,
                text=True,
                timeout=60,
            )
            printed = (done.stdout + done.stderr).replace(tenant.address, HOST)
            if not matches(shown, printed):
                differ.append(f"{block.place}\n$ {command}\n{printed}")
    assert not differ, "\n\n".join(differ)


@pytest.mark.parametrize("guide", [GUIDE, WRITING], ids=lambda path: path.name)
def test_no_example_is_left_out(guide: Path) -> None:
    before = None
    for block in blocks(guide):
        assert block.kind in KINDS, f"{block.place} is of a kind that is not run"
        if block.kind == "text":
            assert before == "js", f"{block.place} is no script's output"
        before = block.kind


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        ('{"a": 1, …}', '{"a":1,"b":2}', True),
        ('{"a": 1}', '{"a":1,"b":2}', False),
        ('{"a": 1, …}', '{"a":2,"b":2}', False),
        ("200 …", "200", True),
        ("a.c", "abc", False),
        ("", "Something failed.", False),
    ],
)
def test_what_counts_as_the_same(shown: str, real: str, same: bool) -> None:
    assert matches(shown, real) is same
