"""Fields of answers that hold one of a few words, so that the documentation lists them all."""

from typing import Any

from rest_framework import serializers

from meters.obis_meaning import Direction
from meters.qualities import BY_NAME, Quality
from meters.series import Statistic

DIRECTIONS = [str(one) for one in Direction]
STATISTICS = [str(one) for one in Statistic]
# What totals are: what doesn't add up has none.
ADDED_UP = [str(Statistic.SUM), str(Statistic.ADVANCE)]
QUALITIES = list(BY_NAME)
# Of an interval in which nothing may have stood.
QUALITIES_OR_MISSING = [*QUALITIES, Quality.MISSING.label]


def direction_field(**more: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=DIRECTIONS, **more)


def quality_field(**more: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=QUALITIES, **more)
