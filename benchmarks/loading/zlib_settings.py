"""The product's settings with Django's own middleware to pack answers, for comparison."""

from config.settings import *  # noqa: F403
from config.settings import MIDDLEWARE as OURS

MIDDLEWARE = [
    "django.middleware.gzip.GZipMiddleware" if one.endswith("CompressMiddleware") else one
    for one in OURS
]
