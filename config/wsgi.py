"""The entry point of the web processes."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

if settings.METRICS_PORT:
    from prometheus_client import REGISTRY

    from config.measuring import PoolCollector
    from config.metrics import serve_metrics

    REGISTRY.register(PoolCollector())
    serve_metrics(REGISTRY)

# What start-up has made lives as long as the process: the cyclic collector need not look at it
# again. Large JSON answers are limited by that collector otherwise.
gc.collect()
gc.freeze()
