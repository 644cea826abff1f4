"""Django set up on servers of the benchmarks' own, with PostgreSQL's usual durability."""

import os
from pathlib import Path

import django

from config.embedded import lease_for_environment


def set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    # The demo's data are left alone.
    home = Path(__file__).parent.parent / ".lastgang" / "bench"
    os.environ.setdefault("LASTGANG_HOME", str(home))
    lease_for_environment(os.environ)
    django.setup()
