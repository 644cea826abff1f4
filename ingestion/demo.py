"""What the demo shows: two tenants, their meters, and where their readings come from."""

import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import requests
from django.utils import timezone

from ingestion.models import Feed, Source
from ingestion.simulator.catalogue import LABELS, default_meters
from ingestion.simulator.meter import Kind, SyntheticMeter
from meters.models import Meter, Site

CHALLENGE = (
    "https://exnaton-public-s3-bucket20230329123331528000000001.s3.eu-central-1.amazonaws.com"
    "/challenge/{muid}.json"
)
RECORDED = {
    UUID("95ce3367-cbce-4a4d-bbe3-da082831d7bd"): "Challenge meter 95ce3367",
    UUID("1db7649e-9342-4e04-97c7-f0ebb88ed1f8"): "Challenge meter 1db7649e",
}
RECORDED_FROM = datetime(2023, 2, 1, tzinfo=UTC)
ZONE = "Europe/Zurich"
HISTORY = timedelta(days=400)
COUNTS = {
    "households": 6,
    "photovoltaics": 3,
    "constants": 2,
    "prosumers": 2,
    "businesses": 2,
    "heat_pumps": 1,
    "chargers": 1,
    "productions": 2,
}
"""How many meters of each kind the simulator has, as `default_meters` names them."""
ACMES: dict[Kind, int] = {
    "household": 4,
    "photovoltaics": 2,
    "constant": 1,
    "prosumer": 1,
    "business": 1,
    "heat_pump": 1,
    "charging": 1,
    "production": 1,
}
"""How many of each kind are acme's, the first ones; the others are nordwind's."""
SIMULATOR_OPTIONS = " ".join(
    [*(f"--{kind.replace('_', '-')} {count}" for kind, count in COUNTS.items()), "--seed 1"]
)


@dataclass(frozen=True, slots=True)
class Recordings:
    """Where the challenge's two responses are to be had.

    Attributes
    ----------
    folder
        Served by the simulator from here; None where the public addresses answer, or nothing does.
    public
        Whether the public addresses answer.
    """

    folder: Path | None
    public: bool

    @property
    def note(self) -> str:
        if self.public:
            return "Recorded readings from the challenge's public addresses"
        return "Recorded readings of the challenge, served by the local simulator"


def find_recordings(folder: Path) -> Recordings:
    """Look for the recordings: at the challenge's public addresses, then in a folder."""
    try:
        first = CHALLENGE.format(muid=next(iter(RECORDED)))
        if requests.head(first, timeout=3).status_code == 200:
            return Recordings(None, public=True)
    except requests.RequestException:
        pass
    if all((folder / f"{muid}.json").exists() for muid in RECORDED):
        return Recordings(folder, public=False)
    return Recordings(None, public=False)


def synthetic_meters(tenant: str) -> Sequence[SyntheticMeter]:
    """Share the simulator's meters out: no two tenants have one in common."""
    found = []
    seen: Counter[Kind] = Counter()
    for meter in default_meters(1, ZONE, 47.38, 8.54, **COUNTS):
        is_acmes = seen[meter.kind] < ACMES[meter.kind]
        seen[meter.kind] += 1
        if is_acmes == (tenant == "acme"):
            found.append(meter)
    return found


def set_up_meters(tenant: str, simulator: str, recordings: Recordings) -> list[Source]:
    """Give the tenant that is entered its sources, sites and meters; what is there stays.

    Parameters
    ----------
    tenant
        Its short name, ``acme`` or ``nordwind``.
    simulator
        Base address of the local simulator.
    recordings
        Where the challenge's responses come from; only acme has them.
    """
    sources = []
    if tenant == "acme" and (recordings.public or recordings.folder):
        source = _source(
            "Challenge",
            address=CHALLENGE if recordings.public else simulator,
            note=recordings.note,
            backfill_from=RECORDED_FROM,
        )
        site, _ = Site.objects.get_or_create(name="Challenge")
        for muid, name in RECORDED.items():
            _meter(muid, name, site, source)
        sources.append(source)
    source = _source(
        "Simulator",
        address=simulator,
        note="Synthetic readings from the local simulator",
        backfill_from=timezone.now() - HISTORY,
    )
    for synthetic in synthetic_meters(tenant):
        place = synthetic.name.removeprefix(f"{LABELS[synthetic.kind]} ").partition(",")[0]
        is_at_home = synthetic.kind != "constant"
        home = Site.objects.get_or_create(name=place)[0] if is_at_home else None
        _meter(UUID(synthetic.muid), synthetic.name, home, source)
    return [*sources, source]


def _source(name: str, *, address: str, note: str, backfill_from: datetime) -> Source:
    # The simulator may have another port than last time.
    source, made = Source.objects.get_or_create(
        name=name,
        defaults={
            "address": address,
            "note": note,
            "backfill_from": backfill_from,
            # The demo reads it for the first time itself, with a progress bar.
            "next_sweep_at": timezone.now() + timedelta(minutes=15),
        },
    )
    if not made and (source.address, source.note) != (address, note):
        source.address, source.note = address, note
        source.save(update_fields=["address", "note"])
    return source


def _meter(muid: UUID, name: str, site: Site | None, source: Source) -> None:
    meter, _ = Meter.objects.get_or_create(
        muid=muid, defaults={"name": name, "site": site, "timezone": ZONE}
    )
    Feed.objects.get_or_create(meter=meter, defaults={"source": source})


def free_port(wanted: int) -> int:
    """Return the wanted port of the loopback interface, or the next one that is free."""
    for port in range(wanted, min(wanted + 200, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"No port from {wanted} to {wanted + 199} is there and free on 127.0.0.1.")
