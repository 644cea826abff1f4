"""Which meters are asked for: by MUID, by site, or all of the tenant's."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from meters.api.examples import MUID
from meters.api.of_meter import no_such_meters, no_such_site
from meters.api.parameters import Parameters
from meters.models import Meter, Site
from meters.muids import read_muid

WHICH = ("meter", "site")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The meters that a request names; all where it names none.

    Attributes
    ----------
    muids
        In the order in which they were given.
    sites
        Primary keys.
    """

    muids: Sequence[UUID]
    sites: Collection[int]

    def of(self, meters: QuerySet[Meter]) -> QuerySet[Meter]:
        """Keep those that are asked for."""
        if not self.muids and not self.sites:
            return meters
        return meters.filter(Q(muid__in=self.muids) | Q(site__in=self.sites))

    def check(self, found: Iterable[UUID]) -> None:
        """Answer 404 where a meter was named that is not among those that were found."""
        there = set(found)
        if missing := [muid for muid in self.muids if muid not in there]:
            raise no_such_meters(missing)


def read_chosen(parameters: Parameters) -> Chosen:
    """Read the parameters `meter` and `site`, of which each may name several.

    Raises
    ------
    NotHere
        404: there is no such site.
    """
    nobody: Sequence[UUID] = ()
    muids = parameters.read_all("meter", _muids, nobody, MUID)
    # A name may hold a comma itself, so each site is given by itself.
    names = parameters.read_each("site", "Mill Street 4")
    known = dict(Site.objects.filter(name__in=names).values_list("name", "pk")) if names else {}
    for name in names:
        if name not in known:
            raise no_such_site(name)
    return Chosen(muids, list(known.values()))


def _muids(texts: Sequence[str]) -> Sequence[UUID]:
    return list(dict.fromkeys(map(read_muid, texts)))
