"""A long trial of every operation: right and wrong requests of every kind, by anybody, all checks.

Besides what `test_any_request.py` sends it tries each example, each boundary of each parameter,
methods and fields that there are not, and bodies that the schema forbids. Left out is what does not
apply: `positive_data_acceptance`, for the schema can't say which meters, zones and dates there are;
`missing_required_header`, for none is required; `object_level_authorization`, which two tenants
try in `tests/tenants`; `use_after_free` and `ensure_resource_availability`, for what a request did
is undone before the next one.
"""

import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.conftest import RECORDED_IMPORT, Customer
from tests.contract.test_any_request import ROLES, one_connection, operations, tokens, told

pytestmark = pytest.mark.soak
__all__ = ["one_connection", "operations", "tokens"]
EXAMPLES = int(os.environ.get("LASTGANG_API_EXAMPLES", "150"))
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def wrong_data_is_refused(ctx: Any, response: Any, case: Any) -> bool | None:
    """As the library looks for it; but a parameter that is sent empty is one that is not sent.

    Of an object or a list without members nothing at all is sent.
    """
    if any(value in ("", {}, [], [""]) for value in (case.query or {}).values()):
        return None
    found: bool | None = negative_data_rejection(ctx, response, case)
    return found


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    wrong_data_is_refused,
    ignored_auth,
    unsupported_method,
    allow_header_conformance,
]


def send(case: Any, customer: Customer, token: str) -> None:
    headers = {"Host": customer.domain, "Accept-Encoding": "identity"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    is_of_a_meter = "muid" in (case.path_parameters or {})
    if is_of_a_meter and not case.meta.is_negative_at(ParameterLocation.PATH):
        # One that there is: else every answer would be the same 404.
        case.path_parameters["muid"] = RECORDED_IMPORT
    try:
        with transaction.atomic():
            case.call_and_validate(
                base_url=f"http://{customer.domain}", headers=headers, checks=CHECKS
            )
            transaction.set_rollback(True)
    except BaseException as error:
        error.add_note(f"{case.method} {case.formatted_path} {case.query} {case.body!r}"[:900])
        raise


@pytest.mark.parametrize("role", ROLES)
def test_very_many_requests(
    role: str, acme: Customer, tokens: dict[str, str], operations: list[Any]
) -> None:
    failed = []
    for operation in operations:
        # What the library's own pytest plugin makes of an operation; pytest's subtests have left
        # the plugin behind.
        trial = create_test(
            operation=operation,
            test_func=lambda case: send(case, acme, tokens[role]),
            config=HypothesisTestConfig(
                project=operation.schema.config,
                modes=list(HypothesisTestMode),
                explicit_settings=MANY,
            ),
        )
        try:
            trial()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all are told at once
            failed.append(f"{operation.label}: {told(error)}")
    assert not failed, "\n\n".join(failed)
