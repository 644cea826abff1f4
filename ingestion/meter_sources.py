"""Which source a meter's readings come from, as the API of meters tells and filters it."""

from collections.abc import Collection

from django.db.models import QuerySet

from ingestion.models import Feed
from meters.api.additions import ADDITIONS, Addition
from meters.models import Meter


def _names(meters: Collection[int]) -> dict[int, str]:
    found = Feed.objects.filter(meter__in=meters).order_by()
    return dict(found.values_list("meter", "source__name"))


def _fed_by(meters: QuerySet[Meter], name: str) -> QuerySet[Meter]:
    return meters.filter(pk__in=Feed.objects.filter(source__name=name).values("meter"))


ADDITIONS["source"] = Addition(_names, _fed_by)
