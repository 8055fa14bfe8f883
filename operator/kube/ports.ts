import type { Readable } from "node:stream";

/** One request to the API server. */
export interface KubeRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  readonly body?: unknown;
  /** Of the body; absent: `application/json`. */
  readonly contentType?: string;
  /** Longest time without a byte, milliseconds, before and within the answer; then the connection is given up. */
  readonly idleMilliseconds: number;
  /** Ends the request, and with it the answer's body. */
  readonly signal?: AbortSignal;
}

/** An answer whose body is still to be read. It must be read to its end or destroyed. */
export interface KubeResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Decompressed. */
  readonly body: Readable;
}

/** The way to an API server. A promise rejects with what the network said. */
export interface Transport {
  send(request: KubeRequest): Promise<KubeResponse>;
}

/** Time that only goes forward, and waiting. */
export interface Timers {
  /** Milliseconds since some moment. */
  elapsed(): number;
  /** Calls back once, after so many milliseconds, unless the returned function is called before. */
  after(milliseconds: number, call: () => void): () => void;
}

/** Chance: a number from 0 up to, but not including, 1. */
export type Chance = () => number;
