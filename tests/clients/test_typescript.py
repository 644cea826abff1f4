"""The client in TypeScript: generated from the schema, compiled strictly, and asking a tenant."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from tests.conftest import RECORDED_EXPORT, RECORDED_IMPORT
from tests.published import Published

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "clients" / "typescript"
# Kept from one run to the next, so that the packages are fetched once; tests may run side by side.
PLACE = ROOT / ".lastgang" / f"typescript-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


@pytest.fixture
def client() -> Path:
    """The client's folder with its packages, apart from one that somebody works in."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    PLACE.mkdir(parents=True, exist_ok=True)
    lock, installed = (SOURCE / "package-lock.json").read_text(), PLACE / "installed"
    for name in ("package.json", "package-lock.json", "tsconfig.json"):
        shutil.copy(SOURCE / name, PLACE)
    shutil.rmtree(PLACE / "build", ignore_errors=True)
    shutil.rmtree(PLACE / "src", ignore_errors=True)
    (PLACE / "src").mkdir()
    for path in SOURCE.glob("src/*.ts"):
        if path.name != "schema.d.ts":
            shutil.copy(path, PLACE / "src")
    if not installed.exists() or installed.read_text() != lock:
        got = npm(PLACE, "ci", "--no-audit", "--no-fund")
        if got.returncode:
            words = f"npm's packages can't be had: {got.stderr[-300:]}"
            if os.environ.get("LASTGANG_NO_SKIP"):
                pytest.fail(words)
            pytest.skip(words)
        installed.write_text(lock)
    return PLACE


def npm(folder: Path, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["npm", *command],
        cwd=folder,
        env=os.environ | more,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def generated(client: Path, tenant: Published) -> Path:
    """The client with the types of what the tenant serves."""
    schema = requests.get(
        f"{tenant.address}/api/v1/schema/",
        {"format": "json"},
        headers={"Authorization": f"Bearer {tenant.token}"},
        timeout=60,
    )
    assert schema.status_code == 200
    (client / "schema.json").write_bytes(schema.content)
    done = npm(client, "run", "generate")
    assert done.returncode == 0, done.stdout + done.stderr
    return client


def test_it_compiles_strictly_and_fetches_a_day(generated: Path, tenant: Published) -> None:
    done = npm(generated, "run", "build")
    assert done.returncode == 0, done.stdout + done.stderr

    def day(*words: str) -> "subprocess.CompletedProcess[str]":
        return npm(
            generated,
            *("run", "--silent", "day", "--", *words),
            LASTGANG_ADDRESS=tenant.address,
            LASTGANG_TOKEN=tenant.token,
        )

    # The recordings begin at midnight UTC: the first hour of the first local day is not there.
    found = day(RECORDED_IMPORT, "2023-02-01")
    assert found.stdout == (
        "2023-02-01T00:00:00+01:00 to 2023-02-02T00:00:00+01:00\n"
        "1-0:1.29.0*255 (import): 1.8299 kWh, 92 of 96 intervals\n"
    ), found.stderr
    assert "1-0:2.29.0*255 (export): " in day(RECORDED_EXPORT, "2023-02-02").stdout
    # Nothing is stored on the short day of spring; how short it is is told nevertheless.
    assert ": 0.0000 kWh, 0 of 92 intervals" in day(RECORDED_IMPORT, "2023-03-26").stdout
    # An error is told in the API's words, by the fields of its type.
    refused = day("00000000-0000-0000-0000-000000000000", "2023-02-01")
    assert refused.returncode == 1
    assert refused.stderr.startswith("There is no meter 00000000")


# Each line that says so is one that the types must refuse, and no other.
WRONG = """\
import { lastgang } from "./client.js";
const api = lastgang("https://acme.example.com", "lg_");
const muid = "95ce3367-cbce-4a4d-bbe3-da082831d7bd";
await api.GET("/api/v1/metres/"); // wrong
await api.GET("/api/v1/meters/", { params: { query: { page: "two" } } }); // wrong
const { data, error } = await api.GET("/api/v1/meters/{muid}/readings/", {
  params: { path: { muid }, query: { start: "2023-02-01", resolution: "P1D" } },
});
console.log(data.series); // wrong
if (error) console.log(error.errors?.[0]?.example.length, error.wrods); // wrong
for (const series of data?.series ?? []) {
  if (series.statistic === "average") console.log(); // wrong
  if (series.direction === "inport") console.log(); // wrong
  for (const value of series.columns?.value ?? []) console.log((value ?? 0).toFixed(1));
  for (const value of series.columns?.value ?? []) console.log(value.toFixed(1)); // wrong
  for (const row of series.rows ?? []) console.log(row.valeu); // wrong
}
const meters = await api.GET("/api/v1/meters/");
const next: string = meters.data?.next ?? "";
console.log(next, meters.data?.results[0]?.site.length); // wrong
const query = { muid, measurement: "energy", limit: 5, start: "2023-02-01", stop: "2023-02-02" };
const upstream = await api.GET("/meterdata/measurement", { params: { query } });
for (const row of upstream.data?.data ?? []) {
  console.log(row["0100011D00FF"]?.toFixed(1), row.timestamp.trim());
}
await api.POST("/api/v1/sites/", { body: { name: "Mill Street 4" } });
await api.POST("/api/v1/sites/", { body: { nme: "Mill Street 4" } }); // wrong
"""


def test_what_the_schema_does_not_allow_does_not_compile(generated: Path) -> None:
    """Types that let everything through would make the other test worthless."""
    (generated / "src" / "wrong.ts").write_text(WRONG)
    done = npm(generated, "run", "build")
    refused = {int(line) for line in re.findall(r"src/wrong\.ts\((\d+),", done.stdout)}
    wrong = {at for at, line in enumerate(WRONG.splitlines(), 1) if line.endswith("// wrong")}
    assert refused == wrong, done.stdout
