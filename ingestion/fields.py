"""A model field whose text is encrypted in the database."""

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression


def cipher() -> MultiFernet:
    """Return the cipher of the installation: the first key encrypts, every key decrypts."""
    try:
        return MultiFernet([Fernet(key.strip()) for key in settings.FIELD_ENCRYPTION_KEYS])
    except ValueError as error:
        raise ImproperlyConfigured(
            f"FIELD_ENCRYPTION_KEYS holds something that is no Fernet key: {error}"
        ) from None


class UndecryptableError(RuntimeError):
    """A stored secret was encrypted with a key that is not configured."""


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted at rest (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return cipher().encrypt(text.encode()).decode() if text else text

    def from_db_value(
        self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> str | None:
        if not value:
            return value
        try:
            return cipher().decrypt(value.encode()).decode()
        except InvalidToken:
            raise UndecryptableError(
                f"{self.model.__name__}.{self.name} was encrypted with a key that "
                "FIELD_ENCRYPTION_KEYS does not hold."
            ) from None
