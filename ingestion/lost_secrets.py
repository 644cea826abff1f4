"""Sources whose secret can't be opened, told when a tenant is restored."""

from typing import Any

from ingestion.fields import UndecryptableError
from ingestion.models import Source


def lost_secrets(sender: object, **_more: Any) -> list[str]:
    """Name the sources of the current tenant whose secret no key of this installation opens."""
    lost = [source.name for source in Source.objects.order_by("name") if not _opens(source)]
    if not lost:
        return []
    words = (
        "The secrets of these sources were encrypted with a key that FIELD_ENCRYPTION_KEYS does "
        f"not hold: {', '.join(lost)}. Add that key, or enter their secrets anew."
    )
    return [words]


def _opens(source: Source) -> bool:
    try:
        return source.token is not None
    except UndecryptableError:
        return False
