"""What is odd in a load and what is missing, in plain sentences."""

from collections import Counter
from collections.abc import Sequence

from analytics.methods.anomalies import Anomaly, Kind, has_usual_days
from analytics.methods.data_quality import DataQuality
from analytics.methods.load import Load
from analytics.sentences.words import NOTHING
from meters.language import _, _n
from meters.wording import figure, listed, local, percent
from meters.zones import Zone


def of_anomalies(found: Sequence[Anomaly], load: Load) -> str:
    """Count what is odd, and tell the latest."""
    if not load.count:
        return _(NOTHING)
    if not found and not has_usual_days(load):
        return _(
            "Nothing impossible was found. What is usual, and so what is odd, shows in a week or "
            "more of readings of an hour or less."
        )
    if not found:
        return _("Nothing odd was found.")
    counts = Counter(one.kind for one in found)
    latest = max(found, key=lambda one: one.start)
    return _n(
        "There is {kinds}. It began on {when}: {reason}",
        "There are {kinds}. The latest began on {when}: {reason}",
        len(found),
    ).format(
        kinds=listed([_count(kind, number) for kind, number in sorted(counts.items())]),
        when=local(latest.start, load.zone),
        reason=latest.reason,
    )


def _count(kind: Kind, number: int) -> str:
    """Count what is odd, in a form that stands after “there are”."""
    match kind:
        case Kind.SPIKE:
            words = _n("{number} spike", "{number} spikes", number)
        case Kind.DROP:
            words = _n("{number} drop", "{number} drops", number)
        case Kind.FROZEN:
            words = _n(
                "{number} stretch of frozen values", "{number} stretches of frozen values", number
            )
        case Kind.NO_BASE_LOAD:
            words = _n(
                "{number} stretch without the base load",
                "{number} stretches without the base load",
                number,
            )
        case Kind.IMPOSSIBLE:
            words = _n(
                "{number} stretch of impossible values",
                "{number} stretches of impossible values",
                number,
            )
    return words.format(number=figure(number))


def of_quality(quality: DataQuality, zone: Zone) -> str:
    """Say what is missing, what is estimated and what was corrected."""
    if quality.completeness is None:
        return _(NOTHING)
    missing, total = quality.expected - quality.known, figure(quality.expected)
    if missing:
        words = [
            _n(
                "{missing} of {total} intervals is missing ({share} complete).",
                "{missing} of {total} intervals are missing ({share} complete).",
                missing,
            ).format(missing=figure(missing), total=total, share=percent(quality.completeness, 1))
        ]
        longest = quality.holes[0]
        words.append(
            _n(
                "The longest gap is from {start} to {end} ({number} interval).",
                "The longest gap is from {start} to {end} ({number} intervals).",
                longest.slots,
            ).format(
                start=local(longest.start, zone),
                end=local(longest.end, zone),
                number=figure(longest.slots),
            )
        )
    else:
        words = [_("All {total} intervals are there.").format(total=total)]
    if quality.estimated and quality.estimated_share is not None:
        words.append(
            _n(
                "{number} of those there ({share}) is estimated.",
                "{number} of those there ({share}) are estimated.",
                quality.estimated,
            ).format(number=figure(quality.estimated), share=percent(quality.estimated_share, 1))
        )
    if quality.corrections:
        words.append(
            _n(
                "{number} reading was corrected after it had first come.",
                "{number} readings were corrected after they had first come.",
                quality.corrections,
            ).format(number=figure(quality.corrections))
        )
    elif quality.corrections == 0:
        words.append(_("No reading was corrected after it had first come."))
    return " ".join(words)
