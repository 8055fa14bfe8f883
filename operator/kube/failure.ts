import { text } from "node:stream/consumers";
import type { KubeResponse } from "./ports.ts";

/** The `Status` object by which the API server refuses, as far as it is read. */
interface StatusBody {
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** The API server answered, and refused. */
export class KubeFailure extends Error {
  override readonly name = "KubeFailure";
  /** HTTP status. */
  readonly status: number;
  /** CamelCase, as `Conflict`; empty where the answer has none. */
  readonly reason: string;
  /** How long the server asks to be left alone, milliseconds. */
  readonly retryAfter: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** A failure out of a `Status` object, for instance of an ERROR event of a watch. */
export function failureOf(body: unknown, status: number, retryAfter?: number): KubeFailure {
  const { reason = "", message, code, details } = (body ?? {}) as StatusBody;
  const seconds = details?.retryAfterSeconds;
  const wait = retryAfter ?? (seconds === undefined ? undefined : seconds * 1000);
  return new KubeFailure(code ?? status, reason, message ?? `the API server answered ${code ?? status}`, wait);
}

/** `Retry-After` in milliseconds (RFC 9110, 10.2.3). Dates are not used by the API server and are passed over. */
function retryAfterOf({ headers }: KubeResponse): number | undefined {
  const written = headers["retry-after"];
  return typeof written === "string" && /^\d+$/.test(written) ? Number(written) * 1000 : undefined;
}

/** The parsed body of an answer, or a `KubeFailure`. */
export async function answered(response: KubeResponse): Promise<unknown> {
  const content = await text(response.body);
  if (response.status < 300) return JSON.parse(content);
  throw failureOf(jsonOr(content), response.status, retryAfterOf(response));
}

/** An answer whose body will be read piece by piece, or a `KubeFailure`. */
export async function accepted(response: KubeResponse): Promise<KubeResponse> {
  if (response.status < 300) return response;
  await answered(response);
  return response;
}

/** What a proxy in between answers is no JSON. */
function jsonOr(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return { message: content.slice(0, 200) };
  }
}
