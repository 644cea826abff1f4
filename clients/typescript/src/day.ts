// Print what a meter's registers counted on one local day: npm run day -- <MUID> <date>
import { inWords, lastgang, type Series } from "./client.js";

const { LASTGANG_ADDRESS: address, LASTGANG_TOKEN: token } = process.env;
const [muid, start = ""] = process.argv.slice(2);
const midnight = Date.parse(`${start}T00:00Z`);
if (!address || !token || !muid || Number.isNaN(midnight)) {
  console.error("Set LASTGANG_ADDRESS and LASTGANG_TOKEN, and name a meter and a date such as 2023-02-02.");
  process.exit(2);
}
// The end is excluded: the date after. How long the day is where the meter stands is the API's to know.
const end = new Date(midnight + 24 * 3600 * 1000).toISOString().slice(0, 10);

const api = lastgang(address, token);
const { data, error } = await api.GET("/api/v1/meters/{muid}/readings/", {
  params: { path: { muid }, query: { start, end, resolution: "PT1H", layout: "columns" } },
});
if (error) {
  console.error(inWords(error));
  process.exit(1);
}
console.log(`${data.start} to ${data.end}`);
data.series.forEach((series) => console.log(summary(series)));

function summary({ register, direction, unit, statistic, columns, count, expected }: Series): string {
  const values = columns?.value.filter((value) => value !== null) ?? [];
  const total = statistic === "sum" ? values.reduce((sum, value) => sum + value, 0) : null;
  const said = total === null ? "does not add up" : `${total.toFixed(4)} ${unit}`;
  return `${register} (${direction}): ${said}, ${count} of ${expected} intervals`;
}
