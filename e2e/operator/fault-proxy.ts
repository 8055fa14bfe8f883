import { once } from "node:events";
import { writeFileSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { readKubeconfig } from "../cluster/connection.ts";

/** What goes wrong with an answer. */
export type Fault =
  /** The connection is cut after so many bytes of the body, wherever that is in a line. */
  | { readonly kind: "cut"; readonly bytes: number }
  /** Nothing comes any more after so many bytes, and the connection stays open: a half-open socket. */
  | { readonly kind: "silence"; readonly bytes: number }
  | { readonly kind: "delay"; readonly milliseconds: number }
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: number }
  /** A watch that begins with an ERROR event. */
  | { readonly kind: "error-event"; readonly status: number; readonly reason: string };

/** A fault and whom it hits. */
interface Plan {
  readonly matches: (method: string, url: string) => boolean;
  readonly fault: Fault;
  left: number;
}

/** Stands between a client and the API server and breaks what it is told to break. Speaks for the client's user. */
export class FaultProxy {
  readonly #server: Server;
  readonly #upstream: URL;
  readonly #agent: Agent;
  readonly #headers: OutgoingHttpHeaders;
  readonly #plans: Plan[] = [];
  readonly #requests: string[] = [];
  readonly #abandoned = new Set<ServerResponse>();

  private constructor(server: Server, upstream: URL, agent: Agent, headers: OutgoingHttpHeaders) {
    this.#server = server;
    this.#upstream = upstream;
    this.#agent = agent;
    this.#headers = headers;
  }

  /** A proxy in the name of this kubeconfig's user. */
  static async start(kubeconfig: string): Promise<FaultProxy> {
    const { server: upstream, headers, ...tls } = readKubeconfig(kubeconfig);
    const agent = new Agent({ keepAlive: true, ...tls });
    const server = createServer((incoming, response) => {
      void proxy.#serve(incoming, response).catch(() => response.destroy());
    });
    const proxy = new FaultProxy(server, new URL(upstream), agent, headers);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  /** Method and URL of every request so far. */
  requests(): readonly string[] {
    return this.#requests;
  }

  /** Writes a kubeconfig that leads here. */
  writeKubeconfig(path: string): string {
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      "current-context": "c",
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  /** The next `times` requests that match meet this fault. */
  plan(fault: Fault, matches: Plan["matches"], times = 1): void {
    this.#plans.push({ fault, matches, left: times });
  }

  /** No fault that was planned happens any more, and no connection lives on that one has struck. */
  heal(): void {
    this.#plans.length = 0;
    this.cutAll();
  }

  /** How many planned faults have not happened yet. */
  get pending(): number {
    return this.#plans.reduce((sum, { left }) => sum + left, 0);
  }

  /** Ends every connection now, as a load balancer that restarts does. */
  cutAll(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const response of this.#abandoned) response.destroy();
    this.#agent.destroy();
    if (this.#server.listening) await once(this.#server, "close");
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = incoming;
    this.#requests.push(`${method} ${url}`);
    const plan = this.#plans.find(({ left, matches }) => left > 0 && matches(method, url));
    if (plan) plan.left -= 1;
    const fault = plan?.fault;
    switch (fault?.kind) {
      case "status":
        incoming.resume();
        return refuse(response, fault.status, fault.retryAfter);
      case "error-event":
        incoming.resume();
        return errorEvent(response, fault.status, fault.reason);
      case "delay":
        await sleep(fault.milliseconds);
        return this.#forward(incoming, response, undefined);
      case "cut":
      case "silence":
        return this.#forward(incoming, response, fault);
      case undefined:
        return this.#forward(incoming, response, undefined);
    }
  }

  #forward(
    incoming: IncomingMessage,
    response: ServerResponse,
    fault: Extract<Fault, { kind: "cut" | "silence" }> | undefined,
  ): void {
    const { host: _host, connection: _connection, ...headers } = incoming.headers;
    // Compressed bytes can't be cut in the middle of a line.
    if (fault) delete headers["accept-encoding"];
    const sent = request(new URL(incoming.url ?? "/", this.#upstream), {
      method: incoming.method ?? "GET",
      agent: this.#agent,
      headers: { ...headers, ...this.#headers },
    });
    sent.once("error", () => response.destroy());
    response.once("close", () => sent.destroy());
    sent.once("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.once("error", () => response.destroy());
      if (fault) this.#pass(answer, response, fault);
      else answer.pipe(response);
    });
    incoming.pipe(sent);
  }

  /** Passes bytes on until the fault happens. */
  #pass(
    answer: IncomingMessage,
    response: ServerResponse,
    { kind, bytes }: { kind: "cut" | "silence"; bytes: number },
  ) {
    let left = bytes;
    answer.on("data", (chunk: Buffer) => {
      if (left <= 0) return;
      const part = chunk.subarray(0, left);
      left -= part.length;
      response.write(part, () => {
        if (left > 0) return;
        if (kind === "cut") response.socket?.destroy();
        else this.#abandoned.add(response);
      });
    });
    answer.once("end", () => (left > 0 ? response.end() : undefined));
  }
}

function refuse(response: ServerResponse, status: number, retryAfter: number | undefined): void {
  const reasons: Readonly<Record<number, string>> = { 410: "Expired", 429: "TooManyRequests", 500: "InternalError" };
  const wait = retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) };
  response.writeHead(status, { "Content-Type": "application/json", ...wait });
  const reason = reasons[status] ?? "Unknown";
  response.end(
    JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", reason, code: status, message: "planned" }),
  );
}

function errorEvent(response: ServerResponse, code: number, reason: string): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  const object = { kind: "Status", apiVersion: "v1", status: "Failure", reason, code, message: "planned" };
  response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
}
