"""Fixtures of every test: two tenants in one real database, and a way to ask each over HTTP."""

import os
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import translation

from accounts import cors
from config import translations
from tenants.models import Tenant
from tenants.onboarding import Onboarded, create_tenant

RECORDED_IMPORT = "95ce3367-cbce-4a4d-bbe3-da082831d7bd"
RECORDED_EXPORT = "1db7649e-9342-4e04-97c7-f0ebb88ed1f8"


@dataclass(frozen=True)
class Customer:
    """A tenant and how its administrator signs in."""

    tenant: Tenant
    domain: str
    email: str
    password: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"HTTP_AUTHORIZATION": f"Bearer {self.token}"}

    def client(self, *, signed_in: bool = True) -> Client:
        client = Client(HTTP_HOST=self.domain)
        if signed_in:
            response = client.post("/sign-in/", {"username": self.email, "password": self.password})
            assert response.status_code == 302, response.content
        return client


def pytest_configure(config: pytest.Config) -> None:
    # Tests may be run without make.
    translations.compile_stale()
    # Tests that run side by side share Redis, but not its contents.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    base = os.environ["REDIS_URL"].rsplit("/", 1)[0]
    own = 2 + 2 * (int(worker) % 7)
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"{base}/{own}"
    settings.CACHES["default"]["LOCATION"] = f"{base}/{own + 1}"
    # Tests ask faster than any program should; what is about limits sets its own.
    settings.API_RATE_PROGRAM = settings.API_RATE_TENANT = settings.API_RATE_REFUSED = 10**9
    # The strength of a hash is not what most tests are about, and scrypt takes its time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """Make the test database with its public schema and two tenants, acme and nordwind."""
    from django.test.utils import setup_databases, teardown_databases

    with django_db_blocker.unblock():
        worker = os.environ.get("PYTEST_XDIST_WORKER")
        old = (
            setup_databases(
                verbosity=0,
                interactive=False,
                parallel=0,
                aliases={"default"},
                serialized_aliases=set(),
            )
            if worker is None
            else _setup_for(worker)
        )
        connection.set_schema_to_public()
        for slug, zone in (("acme", "Europe/Zurich"), ("nordwind", "Europe/Berlin")):
            made = create_tenant(slug=slug, timezone=zone)
            CUSTOMERS[slug] = _customer(made)
    yield
    with django_db_blocker.unblock():
        teardown_databases(old, verbosity=0)


CUSTOMERS: dict[str, Customer] = {}


def _setup_for(worker: str) -> Any:
    from django.test.utils import setup_databases

    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = f"{name}_{worker}"
    return setup_databases(
        verbosity=0, interactive=False, aliases={"default"}, serialized_aliases=set()
    )


def _customer(made: Onboarded) -> Customer:
    return Customer(made.tenant, made.domain, made.email, made.password, made.token)


@pytest.fixture(autouse=True)
def _in_public(request: pytest.FixtureRequest) -> Iterator[None]:
    """Begin and end each test in public, as a process does."""
    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()
    translation.activate(settings.LANGUAGE_CODE)
    # What a test allowed has gone back with its transaction.
    cors.forget()


@pytest.fixture
def acme(db: None) -> Customer:
    return _for_one_test(CUSTOMERS["acme"])


@pytest.fixture
def nordwind(db: None) -> Customer:
    return _for_one_test(CUSTOMERS["nordwind"])


def _for_one_test(customer: Customer) -> Customer:
    """What a test does to the tenant goes back with its transaction; to the object, with this."""
    return replace(customer, tenant=copy(customer.tenant))


@pytest.fixture
def in_acme(acme: Customer) -> Iterator[Customer]:
    """Work inside acme."""
    with acme.tenant.entered():
        yield acme


@pytest.fixture
def redis_cleared() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of the challenge's two recorded responses."""
    folder = Path(settings.RECORDINGS_DIR)
    missing = [m for m in (RECORDED_IMPORT, RECORDED_EXPORT) if not (folder / f"{m}.json").exists()]
    if missing:
        words = f"recording {missing[0]}.json is not in {folder.name}/ (LASTGANG_RECORDINGS)"
        if os.environ.get("LASTGANG_NO_SKIP"):
            pytest.fail(words)
        pytest.skip(words)
    return folder


@pytest.fixture
def make_customer(db: None) -> Callable[[str], Customer]:
    """Make another tenant within the test's transaction."""

    def make(slug: str) -> Customer:
        connection.set_schema_to_public()
        return _customer(create_tenant(slug=slug))

    return make
