"""Fixtures of notices: also the tenant whose work is really committed."""

from tests.ingestion.conftest import committed as committed
