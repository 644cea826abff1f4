"""Programs and browsers that ask a tenant, for the tests of who may."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client
from structlog.testing import capture_logs

from accounts.models import ApiToken, User
from accounts.tokens import make_token
from tests.conftest import Customer

PROBLEM = "application/problem+json"


def bearer(secret: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


def admin_of(customer: Customer) -> User:
    return User.objects.get(email=customer.email)


def token_of(customer: Customer, *scopes: str, **more: Any) -> str:
    """Make a token of the tenant's administrator."""
    with customer.tenant.entered():
        made = make_token(person=admin_of(customer), by="test", scopes=scopes or None, **more)
    return made.secret


def row_of(customer: Customer, secret: str) -> ApiToken:
    with customer.tenant.entered():
        return ApiToken.objects.get(token_key=secret[:15])


def person_of(customer: Customer, email: str, *permissions: str, **more: Any) -> User:
    """Make a person with some permissions and the password “a good password”."""
    with customer.tenant.entered():
        user = User.objects.create_user(email, "a good password", **more)
        for one in permissions:
            app, name = one.split(".")
            user.user_permissions.add(
                Permission.objects.get(content_type__app_label=app, codename=name)
            )
    return user


def signed_in(customer: Customer, email: str) -> Client:
    client = Client(HTTP_HOST=customer.domain)
    answer = client.post("/sign-in/", {"username": email, "password": "a good password"})
    assert answer.status_code == 302
    return client


def problem_of(response: Any, status: int) -> str:
    """Return what a problem says."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == PROBLEM
    detail: str = response.json()["detail"]
    return detail


@contextmanager
def audited() -> Iterator[list[Any]]:
    """Collect what is logged, of which no secret may be part."""
    with capture_logs() as logs:
        yield logs
