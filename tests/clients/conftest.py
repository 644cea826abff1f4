"""The example clients of `clients/`, as a front-end developer would set them up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.published import Published, published


@pytest.fixture
def tenant(
    django_db_setup: None, django_db_blocker: Any, recordings: Path, tmp_path: Path
) -> Iterator[Published]:
    with django_db_blocker.unblock(), published(recordings, tmp_path / "web.log") as made:
        yield made
