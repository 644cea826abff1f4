"""Loaded by pytest before Django's settings: real PostgreSQL and Redis, apart from the demo's."""

import os
from pathlib import Path

from config.embedded import lease_for_environment

HOME = Path(__file__).resolve().parent.parent / ".lastgang" / "test"

if "DATABASE_URL" not in os.environ:
    os.environ.setdefault("LASTGANG_HOME", str(HOME))
    # A test database need not outlive a power cut.
    os.environ.setdefault("LASTGANG_EMBEDDED_FSYNC", "off")
os.environ.setdefault("LOG_LEVEL", "WARNING")
lease_for_environment(os.environ)
