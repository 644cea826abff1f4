"""Logging through structlog: one line per event, each of which knows its tenant.

A line about a request carries its identifier as well (`config.request_ids`), one of a worker its
task and run (`config.celery`).
"""

import logging
import logging.config
from http import HTTPStatus
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

PROCESSORS: list[Any] = []


def add_tenant(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the tenant of the request that the event is about, or that the connection serves.

    Whoever knows better, as a thread beside the one that is in the tenant, has bound it.
    """
    # Imported here because settings set logging up before Django's connections can be made.
    from django.apps import apps
    from django.db import connection

    # Django tells of a refused request once it is over, when its tenant has been left already.
    request = getattr(event.get("_record"), "request", None)
    schema = getattr(getattr(request, "tenant", None), "schema_name", None)
    # A record of start-up comes before there can be a connection.
    if schema is None and apps.models_ready:
        schema = connection.schema_name  # type: ignore[attr-defined]
    event.setdefault("tenant", schema or "public")
    if known := getattr(request, "identifier", None):
        event.setdefault("request", known)
    return event


def spare_traceback(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave the traceback out where the database is gone: the same for each request, and long.

    What PostgreSQL or its driver said stays.
    """
    if getattr(event.get("_record"), "status_code", None) == HTTPStatus.SERVICE_UNAVAILABLE:
        found = event.pop("exc_info", None)
        if found and found[1]:
            event["words"] = " ".join(str(found[1]).split())[:500]
    return event


def logging_config(*, level: str, json: bool) -> None:
    """Send the standard library's and structlog's records to standard error.

    Parameters
    ----------
    level
        Name of the lowest level that is written, for instance ``INFO``.
    json
        One JSON object per line (production) or plain text (a terminal).
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        add_tenant,
        spare_traceback,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.processors.LogfmtRenderer(
            key_order=["timestamp", "level", "tenant", "event"], drop_missing=True
        )
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        renderer,
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {
                "django.db.backends": {"level": "WARNING"},
                # Each attempt to connect; that it fails is told once (tenants.postgresql).
                "psycopg.pool": {"level": "ERROR"},
                "celery.beat": {"level": "WARNING"},
                # That a message has come in, told by the worker's parent, which is in no tenant.
                "celery.worker.strategy": {"level": "WARNING"},
                "kombu": {"level": "WARNING"},
                # Each look at a sign-in is a line below that.
                "axes": {"level": "WARNING"},
            },
        }
    )
    # Always the same list: loggers that have been used keep the one they began with.
    PROCESSORS[:] = [*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    structlog.configure(
        processors=PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
