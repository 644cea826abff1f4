"""Whatever a program sends, the API answers as its schema says, and never with a fault of ours."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import ApiToken, User
from tests.conftest import RECORDED_IMPORT, Customer
from tests.meters.stored import store_recordings

# How many requests of each operation; `test_very_many_requests.py` sends more.
EXAMPLES = int(os.environ.get("LASTGANG_API_EXAMPLES", "6"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROLES = ("staff", "reader", "nobody")


@pytest.fixture(scope="module")
def operations() -> list[Any]:
    made = SchemaGenerator(urlconf="config.urls_tenant").get_schema(request=None, public=True)
    loaded = schemathesis.openapi.from_dict(made)
    loaded.app = WSGIHandler()
    return [found.ok() for found in loaded.get_all_operations()]


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Keep the test's connection over its requests, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def tokens(acme: Customer, recordings: Any) -> dict[str, str]:
    store_recordings(acme, recordings)
    with acme.tenant.entered():
        reader = User.objects.create_user("reader@example.com", "a long password 1")
        _, token = ApiToken.objects.create(user=reader, name="reader")
    return {"staff": acme.token, "reader": token, "nobody": ""}


def any_request(operation: Any, headers: dict[str, str], examples: int) -> None:
    """Send requests of one operation, right ones and wrong ones, and check each answer."""

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        # Of a meter that there is, most of the time: else every answer would be the same 404.
        if case.path_parameters and "muid" in case.path_parameters:
            case.path_parameters["muid"] = RECORDED_IMPORT
        case.headers = {**(case.headers or {}), **headers}
        response = case.call(base_url=f"http://{headers['Host']}")
        case.validate_response(response, checks=CHECKS)

    send()


def told(error: BaseException) -> str:
    parts = getattr(error, "exceptions", None)
    notes = " ".join(getattr(error, "__notes__", ()))[:900]
    words = " | ".join(map(told, parts)) if parts else f"{type(error).__name__} {error}"[:900]
    return f"{words} {notes}".strip()


@pytest.mark.parametrize("role", ROLES)
def test_any_request(
    role: str, acme: Customer, tokens: dict[str, str], operations: list[Any]
) -> None:
    headers = {"Host": acme.domain, "Accept-Encoding": "identity"}
    if tokens[role]:
        headers["Authorization"] = f"Bearer {tokens[role]}"
    failed = []
    for operation in operations:
        try:
            any_request(operation, headers, EXAMPLES)
        except Exception as error:  # noqa: BLE001 - all are told at once
            failed.append(f"{operation.label}: {told(error)}")
    assert not failed, "\n\n".join(failed)
