"""Fixtures of the outsider's tries: tenants full of marks, as the trials of isolation have them."""

from tests.tenants.conftest import committed, marked

__all__ = ["committed", "marked"]
