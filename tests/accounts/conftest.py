"""Fixtures of people: also the two tenants that are full of marks."""

from tests.tenants.conftest import marked as marked
