"""What the queue does for people. A task calls a service; it decides nothing."""

from typing import Any

from celery import shared_task

from accounts.mailing import MailError, send_reset_once

# After each failure it is waited longer, up to a quarter of an hour in all.
ATTEMPTS = 5


@shared_task(
    name="accounts.send_reset",
    bind=True,
    autoretry_for=(MailError,),
    max_retries=ATTEMPTS,
    retry_backoff=15,
    retry_backoff_max=300,
    expires=3600,
)
def send_reset_link(self: Any, email: str, name: str, address: str, language: str) -> bool:
    """Send a link to choose another password to whom an address belongs, if to anybody."""
    return send_reset_once(email, name=name, address=address, language=language)
