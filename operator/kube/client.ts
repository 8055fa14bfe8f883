import { accepted, answered } from "./failure.ts";
import { jsonLines } from "./json-lines.ts";
import type { KubeRequest, Transport } from "./ports.ts";

/** What may be said about a request beside what is asked. */
export interface RequestOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  readonly idleMilliseconds?: number;
}

/** An ordinary request must be answered within this time; writes that go through webhooks may take 30 s. */
const usualIdleMilliseconds = 40_000;

/** Requests that are answered with JSON. */
export class KubeClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The parsed answer. Rejects with a `KubeFailure` when the API server refuses, else with what the network said. */
  async request(method: KubeRequest["method"], path: string, options: RequestOptions = {}): Promise<unknown> {
    return answered(await this.#send(method, path, options));
  }

  /** Each line of a long answer, parsed, as it comes; ends when the server ends it. Rejects as `request` does. */
  async *lines(path: string, options: RequestOptions = {}): AsyncGenerator<unknown> {
    const response = await accepted(await this.#send("GET", path, options));
    try {
      yield* jsonLines(response.body);
    } finally {
      response.body.destroy();
    }
  }

  #send(method: KubeRequest["method"], path: string, options: RequestOptions) {
    return this.#transport.send({ idleMilliseconds: usualIdleMilliseconds, ...options, method, path });
  }
}
