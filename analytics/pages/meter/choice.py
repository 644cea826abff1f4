"""With what a reader compares a meter's curve, from what stands in the address."""

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from meters.language import N_
from meters.models import Meter

BEFORE, YEAR = "before", "year"
TIMES = {BEFORE: N_("The time before"), YEAR: N_("The year before")}
MOST_LISTED = 30


@dataclass(frozen=True)
class Choice:
    """What is compared with: a time, a meter, or nothing.

    Attributes
    ----------
    warning
        Why what was asked for can't be taken; empty where all is well.
    """

    time: str = ""
    meter: Meter | None = None
    warning: str = ""

    def __bool__(self) -> bool:
        return bool(self.time or self.meter)

    @property
    def text(self) -> str:
        """What stands in the address."""
        return str(self.meter.muid) if self.meter else self.time


def read_choice(text: str, meter: Meter) -> Choice:
    """Read what a meter is compared with: ``before``, ``year`` or the MUID of another meter.

    A meter is looked for in the tenant that is entered; one of another tenant does not exist.
    """
    if not text or text in TIMES:
        return Choice(time=text)
    try:
        muid = UUID(text)
    except ValueError:
        words = _("“{text}” is nothing to compare with; choose from the list.")
        return Choice(warning=words.format(text=text[:40]))
    if muid == meter.muid:
        return Choice(warning=_("A meter is not compared with itself; choose another one."))
    other = Meter.objects.filter(muid=muid).prefetch_related("registers").first()
    if other is None:
        return Choice(warning=_("There is no such meter to compare with; choose from the list."))
    for register in other.registers.all():
        register.meter = other
    return Choice(meter=other)


def offered(meter: Meter, choice: Choice, find: str) -> tuple[list[tuple[str, str]], bool]:
    """List the meters to compare with, by name.

    Parameters
    ----------
    find
        What their names hold; empty for any.

    Returns
    -------
    meters
        MUID and name of each, the one that is chosen among them.
    more
        Whether there are more than are listed.
    """
    # PostgreSQL's texts hold no NUL, so nothing is called so.
    text = find.replace("\0", "").strip()
    found = Meter.objects.exclude(pk=meter.pk).filter(name__icontains=text)
    listed = [
        (str(muid), f"{name} · {site}" if site else name)
        for muid, name, site in found.values_list("muid", "name", "site__name")[: MOST_LISTED + 1]
    ]
    more = len(listed) > MOST_LISTED
    listed = listed[:MOST_LISTED]
    if choice.meter and choice.text not in {muid for muid, _name in listed}:
        listed.insert(0, (choice.text, choice.meter.name))
    return listed, more
