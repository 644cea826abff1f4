// A client whose addresses, parameters and answers are those of the OpenAPI document, checked by the compiler.
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

// Readings come as files, too; this client asks for none.
type Json = "application/json" | "application/problem+json";

export type Series = components["schemas"]["Series"];
export type Problem = components["schemas"]["Problem"];

/** `address` is a tenant's, such as https://acme.example.com. */
export function lastgang(address: string, token: string): Client<paths, Json> {
  return createClient<paths, Json>({ baseUrl: address, headers: { Authorization: `Bearer ${token}` } });
}

/** What went wrong in one text: of each parameter the API says what is wrong and what would work. */
export function inWords({ detail, errors }: Problem): string {
  return errors?.length ? errors.map((one) => `${one.parameter}: ${one.message}`).join("\n") : detail;
}
