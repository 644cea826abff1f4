"""The simulated upstream: its contract over real HTTP, and its meters as numbers."""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import requests

from ingestion.simulator import cli
from ingestion.simulator.catalogue import default_meters
from ingestion.simulator.localtime import year_clock
from ingestion.simulator.pages import number_text
from ingestion.simulator.recordings import RecordingError, load_recordings
from ingestion.simulator.server import RunningSimulator, running_simulator
from ingestion.simulator.sun import clear_sky, on_tilted_plane, sun_path
from ingestion.simulator.synthetic import SyntheticMeter, readings
from ingestion.simulator.upstream import Upstream, accepts_gzip

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ("1db7649e-9342-4e04-97c7-f0ebb88ed1f8", "95ce3367-cbce-4a4d-bbe3-da082831d7bd")
ZURICH = ZoneInfo("Europe/Zurich")
NOW = datetime(2024, 6, 1, 12, 7, tzinfo=UTC)
METERS = default_meters(1, "Europe/Zurich", 47.38, 8.54, 2, 2, 1)
HOUSEHOLD, OTHER_HOUSEHOLD, ROOF, OTHER_ROOF, CABINET = METERS
ENERGY = {"measurement": "energy", "limit": "5000"}
FEBRUARY = {"start": "2023-02-01", "stop": "2023-03-01"}


@pytest.fixture(scope="module")
def sim() -> Iterator[RunningSimulator]:
    with running_simulator(meters=METERS, now=NOW) as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


def ask(sim: RunningSimulator, session: requests.Session, **query: str) -> requests.Response:
    address = f"{sim.base_url}/meterdata/measurement"
    return session.get(address, params=ENERGY | FEBRUARY | query, timeout=10)


def rows_of(sim: RunningSimulator, session: requests.Session, **query: str) -> list[dict[str, Any]]:
    answer = ask(sim, session, **query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def error_of(answer: requests.Response) -> tuple[int, str | None, str]:
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert list(body) == ["error"]
    assert list(body["error"]) == ["parameter", "message"]
    return answer.status_code, body["error"]["parameter"], body["error"]["message"]


# The contract, over HTTP


@pytest.mark.parametrize("muid", RECORDED)
def test_recorded_answer_is_given_again_byte_for_byte(
    muid: str, session: requests.Session, recordings: Path
) -> None:
    recorded = (recordings / f"{muid}.json").read_bytes()
    with running_simulator(recordings=recordings) as sim:
        answer = ask(sim, session, muid=muid)
        assert answer.json() == json.loads(recorded)
        assert answer.content == recorded
        newest_two = rows_of(sim, session, muid=muid, limit="2")
        assert newest_two == json.loads(recorded)["data"][:2]


def test_synthetic_rows_have_the_upstreams_shape(
    sim: RunningSimulator, session: requests.Session
) -> None:
    text = ask(sim, session, muid=ROOF.muid, limit="1").text
    assert text == (
        '{"data":[{"measurement":"energy","timestamp":"2023-02-28T23:45:00.000Z",'
        f'"tags":{{"muid":"{ROOF.muid}","quality":"measured"}},"0100021D00FF":0}}]}}'
    )
    rows = rows_of(sim, session, muid=OTHER_HOUSEHOLD.muid)
    assert len(rows) == 28 * 96
    assert rows[-1]["timestamp"] == "2023-02-01T00:00:00.000Z"
    assert [row["timestamp"] for row in rows] == sorted(
        (row["timestamp"] for row in rows), reverse=True
    )
    values = [row["0100011D00FF"] for row in reversed(rows)]
    start, stop = datetime(2023, 2, 1, tzinfo=UTC), datetime(2023, 3, 1, tzinfo=UTC)
    assert values == readings(OTHER_HOUSEHOLD, start, stop).values.tolist()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.0, "1"), (10.0, "10"), (0.0117, "0.0117"), (1e-05, "0.00001")],
)
def test_numbers_are_written_as_javascript_writes_them(value: float, text: str) -> None:
    assert number_text(value, 5) == text


def test_range_is_half_open_and_offsets_count(
    sim: RunningSimulator, session: requests.Session
) -> None:
    muid = CABINET.muid
    local = {"start": "2023-02-01T00:00:00+01:00", "stop": "2023-02-01T01:00:00+01:00"}
    times = [row["timestamp"] for row in rows_of(sim, session, muid=muid, **local)]
    assert times == [f"2023-01-31T23:{minute}:00.000Z" for minute in (45, 30, 15, "00")]
    within = {"start": "2023-02-01T00:00:00.001Z", "stop": "2023-02-01T00:30:00.001Z"}
    times = [row["timestamp"] for row in rows_of(sim, session, muid=muid, **within)]
    assert times == ["2023-02-01T00:30:00.000Z", "2023-02-01T00:15:00.000Z"]
    nothing = {"start": "2023-02-01", "stop": "2023-02-01"}
    assert rows_of(sim, session, muid=muid, **nothing) == []


@pytest.mark.parametrize("limit", [1000, 1024, 7])
def test_paging_backwards_covers_everything_once(
    limit: int, sim: RunningSimulator, session: requests.Session
) -> None:
    meter = HOUSEHOLD  # the one with gaps
    start, stop = datetime(2022, 12, 25, tzinfo=UTC), datetime(2023, 1, 20, tzinfo=UTC)
    if limit == 7:
        start, stop = datetime(2022, 12, 31, 18, tzinfo=UTC), datetime(2023, 1, 1, 18, tzinfo=UTC)
    window = {"muid": meter.muid, "start": start.isoformat(), "limit": str(limit)}
    seen: list[str] = []
    before = stop.isoformat()
    while page := rows_of(sim, session, **window, stop=before):
        seen += [row["timestamp"] for row in page]
        before = seen[-1]
    expected = readings(meter, start, stop)
    assert len(set(seen)) == len(seen) == len(expected)
    assert [datetime.fromisoformat(t).timestamp() for t in seen] == expected.instants[::-1].tolist()


@pytest.mark.parametrize(
    ("change", "parameter", "words"),
    [
        ({"muid": ""}, "muid", "muid is missing. Example: /meterdata/measurement?muid="),
        ({"measurement": ""}, "measurement", "is missing"),
        ({"measurement": "power"}, "measurement", "not one of this meter's: energy"),
        ({"limit": "0"}, "limit", "a whole number from 1 to 100000, not '0'"),
        ({"limit": "5_000"}, "limit", "not '5_000'"),
        ({"limit": "100001"}, "limit", "not '100001'"),
        ({"limit": "-5"}, "limit", "not '-5'"),
        ({"start": "yesterday"}, "start", "is no date. Write a date (2023-02-01, midnight UTC)"),
        ({"start": "2023-02-30"}, "start", "is no date"),
        ({"start": "2023-02-01T00:00:00"}, "start", "has a time but no offset"),
        ({"start": "20230201"}, "start", "has a time but no offset"),
        ({"stop": "2023-02-01T00:00:00 01:00"}, "stop", "Write + as %2B"),
        ({"start": "2023-03-02"}, "stop", "stop (2023-03-01) is before start (2023-03-02)"),
        ({"end": "2023-03-02"}, "end", "end is not known here. Known are muid, measurement"),
        ({"start": "0001-01-01T00:00:00+23:59", "stop": "0001-01-01"}, None, ""),
        ({"start": "0001-01-01", "stop": "9999-12-31T23:59:59.999999-23:59"}, None, ""),
    ],
)
def test_wrong_parameters_are_refused_in_words(
    change: dict[str, str],
    parameter: str | None,
    words: str,
    sim: RunningSimulator,
    session: requests.Session,
) -> None:
    answer = ask(sim, session, **({"muid": CABINET.muid} | change))
    if parameter is None:
        assert answer.status_code == 200
        return
    status, named, message = error_of(answer)
    assert (status, named) == (400, parameter)
    assert words in message
    assert message.startswith(parameter)


def test_missing_and_repeated_parameters(sim: RunningSimulator, session: requests.Session) -> None:
    address = f"{sim.base_url}/meterdata/measurement"
    assert error_of(session.get(address, timeout=10))[:2] == (400, "muid")
    answer = session.get(f"{address}?muid=a&muid=b", timeout=10)
    assert error_of(answer) == (400, "muid", "muid is given twice. Give it once.")


def test_unknown_meter_path_and_method(sim: RunningSimulator, session: requests.Session) -> None:
    status, parameter, message = error_of(ask(sim, session, muid="nobody"))
    assert (status, parameter) == (404, "muid")
    assert message == "There is no meter with the muid 'nobody'."
    for path in ("/", "/meterdata", "/meterdata/measurement/", "//x", "/%2e%2e/etc"):
        assert error_of(session.get(f"{sim.base_url}{path}", timeout=10))[:2] == (404, None)
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = session.request(method, f"{sim.base_url}/meterdata/measurement", timeout=10)
        assert error_of(answer)[0] == 405
        assert answer.headers["Allow"] == "GET, HEAD"


def test_head_is_get_without_its_body(sim: RunningSimulator, session: requests.Session) -> None:
    get = ask(sim, session, muid=CABINET.muid)
    head = session.head(get.url, timeout=10)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    # The connection is still in step afterwards.
    assert session.get(get.url, timeout=10).content == get.content


def test_connection_is_kept(sim: RunningSimulator) -> None:
    connection = http.client.HTTPConnection(urlsplit(sim.base_url).netloc, timeout=10)
    path = f"/meterdata/measurement?muid={CABINET.muid}&measurement=energy&limit=96"
    path += "&start=2023-02-01&stop=2023-02-02"
    connection.connect()
    port = connection.sock.getsockname()[1]
    for target, status in ((path, 200), ("/nothing", 404), (path, 200)):
        connection.request("GET", target)
        answer = connection.getresponse()
        body = answer.read()
        assert (answer.status, answer.version) == (status, 11)
        assert int(answer.headers["Content-Length"]) == len(body)
        assert connection.sock.getsockname()[1] == port
    connection.close()


def test_a_body_nobody_reads_ends_the_connection(sim: RunningSimulator) -> None:
    connection = http.client.HTTPConnection(urlsplit(sim.base_url).netloc, timeout=10)
    connection.request("GET", "/nothing", body=b"GET /smuggled HTTP/1.1\r\n\r\n")
    answer = connection.getresponse()
    assert answer.status == 404
    assert answer.headers["Connection"] == "close"
    answer.read()
    connection.close()


def test_gzip_for_those_who_accept_it(sim: RunningSimulator, session: requests.Session) -> None:
    packed = ask(sim, session, muid=CABINET.muid)
    assert packed.headers["Content-Encoding"] == "gzip"
    session.headers["Accept-Encoding"] = "identity"
    plain = ask(sim, session, muid=CABINET.muid)
    assert "Content-Encoding" not in plain.headers
    assert plain.content == packed.content
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 4
    with running_simulator(meters=METERS, compress=False) as never, requests.Session() as other:
        assert "Content-Encoding" not in ask(never, other, muid=CABINET.muid).headers


@pytest.mark.parametrize(
    ("header", "accepted"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("", False), (None, False)],
)
def test_accepts_gzip(header: str | None, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_token_is_needed_where_one_is_set(session: requests.Session) -> None:
    with running_simulator(meters=METERS, token="pssst-ä") as sim:
        answer = ask(sim, session, muid=CABINET.muid)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        status, parameter, message = error_of(answer)
        assert (status, parameter) == (401, "Authorization")
        assert message == "A token is needed. Send the header Authorization: Bearer <token>."
        session.headers["Authorization"] = "Bearer wrong"
        status, parameter, message = error_of(ask(sim, session, muid=CABINET.muid))
        assert (status, "not the one" in message) == (401, True)
        session.headers["Authorization"] = "Bearer pssst-ä".encode()
        assert ask(sim, session, muid=CABINET.muid).status_code == 200


def test_nothing_of_the_future_is_served(session: requests.Session) -> None:
    moment = datetime(2023, 5, 4, 12, 14, 59, tzinfo=UTC)
    with running_simulator(meters=METERS, now=lambda: moment) as sim:
        window = {"muid": CABINET.muid, "start": "2023-05-04", "stop": "2023-05-06"}
        assert rows_of(sim, session, **window)[0]["timestamp"] == "2023-05-04T11:45:00.000Z"
        moment += timedelta(seconds=1)
        assert rows_of(sim, session, **window)[0]["timestamp"] == "2023-05-04T12:00:00.000Z"
        window["start"] = "2023-05-05"
        assert rows_of(sim, session, **window) == []


def test_clients_at_once_get_one_answer() -> None:
    def pull(sim: RunningSimulator) -> bytes:
        with requests.Session() as own:
            return ask(sim, own, muid=OTHER_HOUSEHOLD.muid).content

    with running_simulator(meters=METERS, now=NOW) as sim, ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(pull, [sim] * 48))
    assert len(answers) == 1
    assert answers.pop().count(b'"measurement"') == 28 * 96


def test_each_request_is_logged_and_the_end_is_clean(session: requests.Session) -> None:
    with running_simulator(meters=METERS) as sim:
        ask(sim, session, muid="nobody")
        assert "'GET /meterdata/measurement?" in sim.log[0]
        assert " 404 " in sim.log[0]
    # A kept connection is closed with the server, and nobody listens any more.
    with pytest.raises(requests.ConnectionError):
        ask(sim, session, muid="nobody")


# Recordings


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "broken.json is not JSON"),
        (b"[]", 'broken.json is not of the shape {"data": […]}'),
        (b'{"data":[1]}', "broken.json, row 0: no object with a measurement."),
        (b'{"data":[{"measurement":"energy"}]}', "row 0: timestamp None is no date-time."),
        (
            b'{"data":[{"measurement":"energy","timestamp":"2023-02-01T00:00:00"}]}',
            "row 0: timestamp '2023-02-01T00:00:00' has no offset.",
        ),
    ],
)
def test_broken_recording_is_named(
    content: bytes, words: str, tmp_path: Path, session: requests.Session
) -> None:
    (tmp_path / "broken.json").write_bytes(content)
    with running_simulator(recordings=tmp_path) as sim:
        status, parameter, message = error_of(ask(sim, session, muid="broken"))
    assert (status, parameter) == (500, None)
    assert words in message
    assert str(tmp_path) not in message


def test_recordings_keep_order_measurement_and_duplicates(
    tmp_path: Path, session: requests.Session
) -> None:
    rows = [
        {"measurement": "energy", "timestamp": "2023-02-01T00:00:00.000Z", "0100011D00FF": 1},
        {"measurement": "power", "timestamp": "2023-02-01T00:15:00.000Z", "0100010700FF": 2.5},
        {"measurement": "energy", "timestamp": "2023-02-01T01:15:00+01:00", "0100011D00FF": 0},
        {"measurement": "energy", "timestamp": "2023-02-01T00:15:00.000Z", "0100011D00FF": 3},
    ]
    (tmp_path / "m.json").write_text(json.dumps({"data": rows}))
    with running_simulator(recordings=[tmp_path], meters=METERS) as sim:
        assert rows_of(sim, session, muid="m") == [rows[2], rows[3], rows[0]]
        assert rows_of(sim, session, muid="m", measurement="power") == [rows[1]]
        assert rows_of(sim, session, muid="m", stop="2023-02-01T00:15:00Z") == [rows[0]]


def test_folders_without_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="holds no recording"):
        load_recordings(tmp_path)
    with pytest.raises(RecordingError, match="is not a folder"):
        load_recordings(tmp_path / "nowhere")


def test_two_meters_of_one_muid_are_refused() -> None:
    with pytest.raises(ValueError, match="Two meters have the muid"):
        Upstream(meters=[CABINET, CABINET])
    with pytest.raises(ValueError, match="is no muid"):
        Upstream(meters=[replace(CABINET, muid='"')])


# Synthetic meters


def local_hours(meter: SyntheticMeter, start: date, days: int) -> dict[str, np.ndarray]:
    """Readings of whole local days, with their local days and hours."""
    begin = datetime(start.year, start.month, start.day, tzinfo=ZURICH)
    found = readings(meter, begin, begin + timedelta(days=days))
    local = year_clock("Europe/Zurich", start.year).to_local(found.instants)
    days_of = local // 86_400
    return {"value": found.values, "hour": local % 86_400 / 3600, "weekday": (days_of + 3) % 7}


@pytest.mark.parametrize("meter", METERS, ids=lambda meter: meter.kind)
@pytest.mark.parametrize("interval", [300, 900, 3600])
def test_pieces_equal_the_whole(meter: SyntheticMeter, interval: int) -> None:
    meter = replace(meter, interval=interval)
    start = int(datetime(2022, 12, 20, 3, 17, tzinfo=UTC).timestamp())
    stop = start + 23 * 86_400
    whole = readings(meter, start, stop)
    edges = [start, *range(start + 5000, stop, 100_000), stop]
    pieces = [readings(meter, a, b) for a, b in pairwise(edges)]
    for column in ("instants", "values", "qualities"):
        together = np.concatenate([getattr(piece, column) for piece in pieces])
        assert np.array_equal(together, getattr(whole, column))


def test_readings_do_not_depend_on_the_process() -> None:
    code = (
        "from ingestion.simulator.catalogue import default_meters as d;"
        "from ingestion.simulator.synthetic import readings as r;"
        "print([r(m, 1675209600, 1675814400).values.sum() "
        "for m in d(1, 'Europe/Zurich', 47.38, 8.54, 2, 2, 1)])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    here = [readings(meter, 1675209600, 1675814400).values.sum() for meter in METERS]
    assert run.stdout.strip() == str(here)


def test_another_seed_gives_other_meters() -> None:
    other = default_meters(2, "Europe/Zurich", 47.38, 8.54, 1, 0, 0)[0]
    assert other.muid != HOUSEHOLD.muid
    start, stop = datetime(2023, 2, 1, tzinfo=UTC), datetime(2023, 2, 2, tzinfo=UTC)
    reseeded = replace(OTHER_HOUSEHOLD, seed=9)
    values = readings(reseeded, start, stop).values
    assert not np.array_equal(values, readings(OTHER_HOUSEHOLD, start, stop).values)


def test_default_meters_stay_as_their_number_grows() -> None:
    more = default_meters(1, "Europe/Zurich", 47.38, 8.54, 3, 4, 2)
    assert [meter for meter in more if meter in METERS] == METERS
    assert len({meter.muid for meter in more}) == len({meter.name for meter in more}) == 9


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2023, 3, 26), 23), (date(2023, 3, 27), 24), (date(2023, 10, 29), 25)]
)
@pytest.mark.parametrize("interval", [300, 900, 1800, 3600])
def test_local_days_have_their_real_length(day: date, hours: int, interval: int) -> None:
    meter = replace(OTHER_HOUSEHOLD, interval=interval)
    begin = datetime(day.year, day.month, day.day, tzinfo=ZURICH)
    found = readings(meter, begin, begin + timedelta(days=1))
    assert len(found) == hours * 3600 // interval
    assert set(np.diff(found.instants)) == {interval}


def test_years_of_odd_zones_join_without_gap_or_overlap() -> None:
    for zone in ("Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"):
        for interval in (900, 3600):
            meter = replace(OTHER_HOUSEHOLD, timezone=zone, interval=interval, latitude=-13.0)
            found = readings(
                meter, datetime(2021, 12, 30, tzinfo=UTC), datetime(2022, 1, 3, tzinfo=UTC)
            )
            assert len(found) == 4 * 86_400 // interval
            assert set(np.diff(found.instants)) == {interval}


@pytest.mark.parametrize("zone", ["Europe/Zurich", "Australia/Lord_Howe", "America/New_York"])
def test_local_clock_agrees_with_zoneinfo(zone: str) -> None:
    clock = year_clock(zone, 2023)
    instants = np.arange(clock.start, clock.stop, 1800, dtype=np.int64)
    local = clock.to_local(instants)
    for instant, reading in zip(instants[::7].tolist(), local[::7].tolist(), strict=True):
        shown = datetime.fromtimestamp(instant, ZoneInfo(zone)).replace(tzinfo=UTC)
        assert shown.timestamp() == reading
    once = np.flatnonzero(np.bincount(np.unique(local, return_inverse=True)[1]) == 1)
    unrepeated = np.isin(local, np.unique(local)[once])
    assert np.array_equal(clock.to_utc(local[unrepeated]), instants[unrepeated])


@pytest.mark.parametrize("start", [date(2023, 2, 27), date(2023, 3, 27), date(2023, 10, 30)])
def test_morning_peak_stays_at_seven_local(start: date) -> None:
    """Before and after both changes of the clocks; five households, four weeks of weekdays."""
    by_hour = np.zeros(24 * 4)
    for meter in default_meters(5, "Europe/Zurich", 47.38, 8.54, 5, 0, 0):
        columns = local_hours(meter, start, 26)
        weekday = columns["weekday"] < 5
        slots = (columns["hour"] * 4).astype(int)
        by_hour += np.bincount(slots[weekday], columns["value"][weekday], 96)
    morning = 4 * 4 + np.argmax(by_hour[4 * 4 : 10 * 4])
    assert 6.5 <= morning / 4 <= 7.5
    assert by_hour[morning] > 3 * by_hour[3 * 4]
    evening = by_hour[17 * 4 : 22 * 4].mean()
    assert evening > 2 * by_hour[1 * 4 : 5 * 4].mean()


def test_weekends_and_winters_differ() -> None:
    meters = default_meters(6, "Europe/Zurich", 47.38, 8.54, 5, 0, 0)
    noon = {True: 0.0, False: 0.0}
    winter = summer = 0.0
    for meter in meters:
        columns = local_hours(meter, date(2023, 1, 9), 56)
        for weekend in noon:
            chosen = (columns["weekday"] >= 5) == weekend
            chosen &= (columns["hour"] >= 10) & (columns["hour"] < 14)
            noon[weekend] += columns["value"][chosen].mean()
        winter += columns["value"].mean()
        summer += local_hours(meter, date(2023, 5, 8), 56)["value"].mean()
    assert noon[True] > 1.3 * noon[False]
    assert winter > 1.08 * summer


def year_sum(meter: SyntheticMeter, year: int) -> float:
    bounds = (datetime(y, 1, 1, tzinfo=ZURICH) for y in (year, year + 1))
    return float(readings(meter, *bounds).values.sum())


def test_annual_sums_are_plausible() -> None:
    meters = default_meters(4, "Europe/Zurich", 47.38, 8.54, 6, 4, 2)
    sums: dict[str, list[float]] = {"household": [], "photovoltaics": [], "constant": []}
    for meter in meters:
        complete = replace(meter, missing_share=0.0)
        sums[meter.kind] += [year_sum(complete, year) / meter.scale for year in (2022, 2023)]
    assert all(2800 < total < 4300 for total in sums["household"])
    assert np.mean(sums["household"]) == pytest.approx(3500, rel=0.1)
    assert all(820 < total < 1080 for total in sums["photovoltaics"])
    assert np.mean(sums["photovoltaics"]) == pytest.approx(950, rel=0.06)
    assert sums["constant"] == pytest.approx([0.35 * 8760] * 4, rel=0.003)


def test_interval_changes_the_cut_and_not_the_energy() -> None:
    for meter in (OTHER_HOUSEHOLD, ROOF):
        day = datetime(2023, 6, 20, tzinfo=ZURICH)
        totals = [
            readings(replace(meter, interval=interval), day, day + timedelta(days=3)).values.sum()
            for interval in (300, 900, 1800, 3600)
        ]
        assert totals == pytest.approx([totals[0]] * 4, abs=2 * meter.step)


def test_photovoltaics_are_zero_at_night_and_follow_the_sun() -> None:
    begin = datetime(2023, 1, 1, tzinfo=ZURICH)
    found = readings(ROOF, begin, begin + timedelta(days=365))
    edges = np.stack([found.instants, found.instants + 900])
    path = sun_path(edges.ravel(), ROOF.latitude, ROOF.longitude)
    elevation = path.elevation.reshape(2, -1).max(axis=0)
    assert not found.values[elevation <= 0].any()
    assert (found.values[elevation > 20] > 0).mean() > 0.99
    # No quarter-hour gives more than the inverter could.
    assert found.values.max() <= 0.9 * ROOF.scale / 4 + ROOF.step
    local = year_clock("Europe/Zurich", 2023).to_local(found.instants)
    summer = (local // 86_400 - local[0] // 86_400 > 120) & (
        local // 86_400 - local[0] // 86_400 < 240
    )
    assert found.values[summer].sum() > 0.45 * found.values.sum()


def test_neighbouring_roofs_share_their_weather() -> None:
    begin = datetime(2023, 5, 1, tzinfo=ZURICH)
    days = [
        readings(roof, begin, begin + timedelta(days=60)).values.reshape(60, 96).sum(axis=1)
        for roof in (ROOF, OTHER_ROOF)
    ]
    assert np.corrcoef(days)[0, 1] > 0.9
    # And fine spells last: a day's yield says something about the next one's.
    assert np.corrcoef(days[0][:-1], days[0][1:])[0, 1] > 0.15


def test_constant_load_is_constant() -> None:
    begin = datetime(2023, 5, 1, tzinfo=ZURICH)
    values = readings(CABINET, begin, begin + timedelta(days=60)).values
    assert values.std() / values.mean() < 0.015
    assert values.mean() == pytest.approx(0.35 / 4 * CABINET.scale, rel=0.01)


def test_values_are_whole_steps_and_print_short() -> None:
    for step in (0.0001, 0.00275, 0.01, 1.0):
        meter = replace(ROOF, step=step)
        begin = datetime(2023, 6, 1, tzinfo=ZURICH)
        values = readings(meter, begin, begin + timedelta(days=3)).values
        assert np.allclose(values / step, np.rint(values / step), atol=1e-6)
        assert all(float(number_text(v, meter.decimals)) == v for v in values.tolist())


def test_gaps_and_estimates_have_about_their_share() -> None:
    meter = replace(OTHER_HOUSEHOLD, missing_share=0.05, estimated_share=0.1)
    bounds = datetime(2023, 1, 1, tzinfo=ZURICH), datetime(2024, 1, 1, tzinfo=ZURICH)
    found = readings(meter, *bounds)
    assert 1 - len(found) / 35_040 == pytest.approx(0.05, rel=0.25)
    assert found.qualities.mean() == pytest.approx(0.1, rel=0.25)
    complete = readings(OTHER_HOUSEHOLD, *bounds)
    # What is there is what it would have been without gaps.
    assert np.isin(found.instants, complete.instants).all()
    kept = np.isin(complete.instants, found.instants)
    assert np.array_equal(found.values, complete.values[kept])


def test_no_readings_before_commissioning() -> None:
    meter = replace(CABINET, commissioned=date(2023, 3, 26))
    found = readings(meter, datetime(2020, 1, 1, tzinfo=UTC), datetime(2023, 3, 27, tzinfo=UTC))
    assert found.instants[0] == datetime(2023, 3, 25, 23, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("interval", 600, "interval 600 s is none of"),
        ("kind", "reactor", "kind 'reactor' is none of"),
        ("obis", "1-0:1.29.0", "is no hex code"),
        ("scale", 0.0, "is not above 0"),
        ("missing_share", 1.0, "missing_share is not within"),
        ("latitude", float("nan"), "beyond a pole"),
    ],
)
def test_impossible_meters_are_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(CABINET, **{field: value})


def test_naive_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="has no offset"):
        readings(CABINET, datetime(2023, 1, 1), datetime(2023, 1, 2, tzinfo=UTC))  # noqa: DTZ001


# The sun, against published numbers


def test_sun_stands_where_almanacs_put_it() -> None:
    """Solstices, equinox and equation of time at Greenwich; sunrise in Zurich."""
    noon = [
        datetime(2023, month, day, 12, tzinfo=UTC) for month, day in ((6, 21), (12, 22), (3, 20))
    ]
    instants = np.array([int(moment.timestamp()) for moment in noon])
    elevation = sun_path(instants, 51.4779, 0.0).elevation
    assert elevation == pytest.approx([61.96, 15.09, 38.4], abs=0.35)
    # 3 November: the sundial is 16 min 27 s ahead; 11 February: 14 min 13 s behind.
    for month, day, minutes in ((11, 3, 16.45), (2, 11, -14.2)):
        begin = int(datetime(2023, month, day, 11, 30, tzinfo=UTC).timestamp())
        seconds = np.arange(begin, begin + 3600, 1, dtype=np.int64)
        azimuth = sun_path(seconds, 51.4779, 0.0).azimuth
        meridian = seconds[np.argmin(np.abs(azimuth - 180))]
        assert (begin + 1800 - meridian) / 60 == pytest.approx(minutes, abs=0.5)


def test_clear_sky_and_tilted_plane() -> None:
    instants = np.arange(1687305600, 1687305600 + 86_400, 300, dtype=np.int64)
    path = sun_path(instants, 47.38, 8.54)
    sky = clear_sky(path)
    assert 900 < sky.max() < 960
    assert not sky[path.elevation <= 0].any()
    assert on_tilted_plane(path, sky, 0.0, 180.0) == pytest.approx(sky, rel=1e-9)
    south, north = (on_tilted_plane(path, sky, 30.0, facing).sum() for facing in (180.0, 0.0))
    assert south > north


# The command


def options(*arguments: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return vars(parser.parse_args(["--port", "0", *arguments]))


def test_command_greets_with_address_meters_and_a_request() -> None:
    with cli.build(
        options("--households", "15", "--constants", "9", "--token", "x"), None
    ) as server:
        lines = cli.greeting(server, "x")
    assert lines[0].startswith("Simulated upstream at http://127.0.0.1:")
    assert lines[1] == "Meters: 24"
    assert "household      Household Lindenweg 1" in lines[2]
    assert lines[-2] == "  and 4 more"
    assert "curl --compressed -H 'Authorization: Bearer <token>' 'http://127.0.0.1:" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "No meters: give --recordings"),
        (["--recordings", "/nonexistent"], "is not a folder"),
        (["--households", "1", "--timezone", "Mars/Olympus"], "Mars/Olympus is no time zone"),
        (["--households", "1", "--interval", "77"], "interval 77 s is none of"),
        (["--households", "1", "--token", ""], "--token is empty"),
        (["--households", "1", "--port", "99999"], "Cannot listen on 127.0.0.1, port 99999"),
    ],
)
def test_command_refuses_in_words(arguments: list[str], words: str) -> None:
    with pytest.raises(cli.CannotServeError, match=words):
        cli.build(options(*arguments), None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    code = (
        "import argparse, sys; from ingestion.simulator import cli;"
        "p = argparse.ArgumentParser(); cli.add_arguments(p);"
        "cli.run(vars(p.parse_args(sys.argv[1:])), lambda line: print(line, flush=True))"
    )
    arguments = ["--port", "0", "--constants", "1"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        answer = requests.get(address, timeout=10)
        assert answer.status_code == 400
        answer.close()
        process.send_signal(number)
        rest = process.communicate(timeout=10)[0]
    assert process.returncode == 0
    assert "'GET /meterdata/measurement HTTP/1.1' 400 " in rest
    assert rest.endswith("\nStopped.\n")


def test_django_command_is_thin() -> None:
    command = pytest.importorskip("ingestion.management.commands.simulate_upstream").Command()
    parser = command.create_parser("manage.py", "simulate_upstream")
    parsed = parser.parse_args(["--households", "3", "--seed", "7", "--quiet"])
    assert (parsed.households, parsed.seed, parsed.quiet, parsed.host) == (3, 7, True, "127.0.0.1")
    assert parsed.recordings == []
