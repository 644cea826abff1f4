"""How lists are narrowed down and ordered."""

import time
from collections.abc import Callable, Collection
from typing import Any

import django_filters  # type: ignore[import-untyped]
from django.db.models import QuerySet
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request

from meters.api.additions import ADDITIONS
from meters.api.serializers import STATES
from meters.health import State, states
from meters.models import Meter


class MeterFilter(django_filters.FilterSet):  # type: ignore[misc]
    site = django_filters.CharFilter(
        field_name="site__name", label="Site", help_text="Name of the site, as it is written."
    )
    timezone = django_filters.CharFilter(
        label="Time zone", help_text="IANA name of the meter's zone."
    )
    source = django_filters.CharFilter(
        label="Source",
        method="fed_by",
        help_text="Name of the source that its readings are pulled from.",
    )
    state = django_filters.ChoiceFilter(
        label="State",
        choices=[(state, state) for state in STATES],
        method="being",
        help_text="How fresh its readings are.",
    )

    class Meta:
        model = Meter
        fields = ["site", "timezone", "source", "state"]

    def fed_by(self, found: QuerySet[Meter], name: str, value: str) -> QuerySet[Meter]:
        source = ADDITIONS.get("source")
        return source.narrow(found, value) if source else found.none()

    def being(self, found: QuerySet[Meter], name: str, value: str) -> QuerySet[Meter]:
        # Worked out of the latest stored days: of all meters that are left, in one question.
        known = states(list(found), int(time.time()))
        wanted = State[value.upper()]
        return found.filter(pk__in=[key for key, (state, _) in known.items() if state is wanted])


class Ordering(OrderingFilter):
    """Order by the fields that a view names, and always to the end: pages would overlap else."""

    ordering_description = "Field to order by, with a minus before it for the reverse."

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        asked = super().get_ordering(request, queryset, view)
        return [*asked, "pk"] if asked else asked


def ordering_by(fields: Collection[str]) -> Callable[[str], str]:
    """Make a parser of the parameter `ordering`."""

    def parse(text: str) -> str:
        for field in text.split(","):
            if field.strip().removeprefix("-") not in fields:
                raise ValueError(
                    f"“{field[:40]}” is nothing to order by; there are {', '.join(fields)}, "
                    "and each with a minus before it."
                )
        return text

    return parse
