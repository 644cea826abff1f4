"""What a request is told when PostgreSQL could not do what was asked, by PostgreSQL's own code."""

from dataclasses import dataclass
from http import HTTPStatus

from django.db import Error, InterfaceError, OperationalError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DISK_FULL, READ_ONLY = "53100", "25006"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the database did not do it.

    Attributes
    ----------
    words
        A sentence for whoever asked.
    retry_after
        When it is worth asking again [s].
    """

    words: str | Promise
    retry_after: int
    status = HTTPStatus.SERVICE_UNAVAILABLE


GONE = Fault(_("The database does not answer at the moment"), 5)
FAULTS = {
    DISK_FULL: Fault(
        _("The disk of the database is full: it stores nothing until there is room"), 60
    ),
    READ_ONLY: Fault(
        _("The database is read-only at the moment: it shows, but stores nothing"), 30
    ),
    # Both of who would be one too many, and of a role or database with a limit of its own.
    "53300": Fault(_("The database has more connections than it takes"), 5),
    "57P03": Fault(_("The database is just starting or shutting down"), 5),
    "57P01": Fault(_("The database is just starting or shutting down"), 5),
    "57014": Fault(_("The database broke off what took too long"), 5),
    "55P03": Fault(_("Somebody else changes the same just now"), 5),
}


# Of a connection that is refused the driver passes on PostgreSQL's words, but not its code.
REFUSED = {
    "too many": "53300",
    "connection slots are reserved": "53300",
    "starting up": "57P03",
    "shutting down": "57P03",
    "in recovery mode": "57P03",
}


def state_of(error: BaseException | None) -> str:
    """Return PostgreSQL's code of an error of Django's; empty where there is none."""
    if code := getattr(getattr(error, "__cause__", None) or error, "sqlstate", None):
        return str(code)
    text = str(error)
    if "FATAL" not in text:
        return ""
    return next((code for words, code in REFUSED.items() if words in text), "")


def fault_of(error: BaseException | None) -> Fault | None:
    """Tell a database that can't at the moment from an error of our own, which gives None."""
    if not isinstance(error, Error):
        return None
    if fault := FAULTS.get(state_of(error)):
        return fault
    return GONE if isinstance(error, OperationalError | InterfaceError) else None


def stores_nothing(error: BaseException) -> bool:
    """Whether the database reads, but can't write: what only notes something may do without."""
    return state_of(error) in {DISK_FULL, READ_ONLY}
