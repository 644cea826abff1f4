"""The entry point of the web processes."""

import gc
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config.bodies import timely
from config.leaving import closing, is_leaving, stay

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


# Names under which a server tells of a request what is no header of it.
OF_REQUESTS = re.compile(r"(CONTENT|PATH_INFO|QUERY|REMOTE|REQUEST|SCRIPT|SERVER)(_|$)")


class Guarded:
    """Hand requests on without this process's environment, and with patience for their bodies.

    Answers of a process that is about to go close their connections (`config.leaving`).

    The server lays the environment under each request: there it would stand among the headers,
    secrets and all, for whoever looks at or writes down a request as a whole.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application
        self.environment = {
            name: value for name, value in os.environ.items() if not OF_REQUESTS.match(name)
        }

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        for name, value in self.environment.items():
            # Unless a header of the request has taken its place.
            if environ.get(name) == value:
                del environ[name]
        environ["wsgi.input"] = timely(environ["wsgi.input"])
        if is_leaving():
            start = closing(start)
        return self.application(environ, start)


application = Guarded(get_wsgi_application())
stay()
# All views are read now, not when the first one asks: by then the process calls itself ready.
for addresses in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
    get_resolver(addresses).reverse_dict  # noqa: B018 - reading it is what takes the time

if settings.METRICS_PORT:
    from prometheus_client import REGISTRY

    from config.measuring import PoolCollector, ReplicaCollector
    from config.metrics import serve_metrics
    from config.replica import is_replicated

    REGISTRY.register(PoolCollector())
    if is_replicated():
        REGISTRY.register(ReplicaCollector())
    serve_metrics(REGISTRY)

# What start-up has made lives as long as the process: the cyclic collector need not look at it
# again. Large JSON answers are limited by that collector otherwise.
gc.collect()
gc.freeze()
