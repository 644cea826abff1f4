"""A model field whose text is encrypted in the database."""

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.query_utils import DeferredAttribute


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


class Sealed:
    """A text as the database holds it. It is opened where it is used, and shows itself nowhere.

    So a list of rows can be read, and a row be saved, also where the key of its secret is lost.
    """

    __slots__ = ("ciphertext", "name")

    def __init__(self, ciphertext: str, name: str) -> None:
        self.ciphertext, self.name = ciphertext, name

    def __repr__(self) -> str:
        return "<sealed>"

    def open(self) -> str:
        try:
            return cipher().decrypt(self.ciphertext.encode()).decode()
        except InvalidToken:
            raise UndecryptableError(
                f"{self.name} was encrypted with a key that FIELD_ENCRYPTION_KEYS does not hold. "
                "Add that key again, or enter the secret anew."
            ) from None

    @property
    def is_current(self) -> bool:
        """Whether the first key has encrypted it."""
        try:
            Fernet(settings.FIELD_ENCRYPTION_KEYS[0].strip()).decrypt(self.ciphertext.encode())
        except InvalidToken:
            return False
        return True

    def renewed(self) -> str:
        """Encrypt anew with the first key; what can't be opened stays as it is."""
        try:
            return cipher().rotate(self.ciphertext.encode()).decode()
        except InvalidToken:
            return self.ciphertext


class OpeningAttribute(DeferredAttribute):
    """Opens what came sealed from the database, each time it is asked for."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        return value.open() if isinstance(value, Sealed) else value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted at rest (Fernet: AES-128-CBC with HMAC-SHA256)."""

    descriptor_class = OpeningAttribute

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        # Past the attribute: what nobody has touched need not be opened to be saved.
        held = model_instance.__dict__
        if self.attname in held:
            return held[self.attname]
        return super().pre_save(model_instance, add)

    def value_from_object(self, obj: models.Model) -> Any:
        # What a form begins with; one that can't be opened is entered anew there.
        try:
            return super().value_from_object(obj)
        except UndecryptableError:
            return ""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Sealed):
            return value.renewed()
        text = super().get_prep_value(value)
        return cipher().encrypt(text.encode()).decode() if text else text

    def from_db_value(
        self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> Sealed | str | None:
        return Sealed(value, f"{self.model.__name__}.{self.name}") if value else value
