import { type ClientRequest, type IncomingMessage, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { KubeConfig } from "@kubernetes/client-node";
import { userAgent } from "./identity.ts";
import type { KubeRequest, KubeResponse, Timers, Transport } from "./ports.ts";
import { Watchdog } from "./watchdog.ts";

/** Where the credentials come from: a file, or, without one, the pod's service account or the usual kubeconfig. */
export function loadKubeConfig(path: string | null): KubeConfig {
  const config = new KubeConfig();
  if (path === null) config.loadFromDefault();
  else config.loadFromFile(path);
  return config;
}

/** Connections that are kept for the next request; a watch occupies one as long as it lasts. */
const agentOptions = { keepAlive: true, keepAliveMsecs: 30_000 };

/** Requests over HTTP/1.1 with the server, certificates and tokens of a kubeconfig, read anew for each request. */
export class KubeTransport implements Transport {
  readonly #config: KubeConfig;
  readonly #server: URL;
  readonly #proxied: boolean;
  readonly #timers: Timers;
  readonly #secure = new Agent(agentOptions);
  readonly #plain = new PlainAgent(agentOptions);

  constructor(config: KubeConfig, timers: Timers) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error("the kubeconfig has no current cluster; set current-context");
    this.#config = config;
    this.#server = new URL(cluster.server);
    this.#proxied = cluster.proxyUrl !== undefined;
    this.#timers = timers;
  }

  async send(wanted: KubeRequest): Promise<KubeResponse> {
    const options: RequestOptions = { headers: {} };
    await this.#config.applyToHTTPSOptions(options);
    const body = wanted.body === undefined ? undefined : JSON.stringify(wanted.body);
    const { secure, agent } = this.#route();
    const open: (url: URL, options: RequestOptions) => ClientRequest = secure ? request : plainRequest;
    const sent = open(this.#urlOf(wanted.path), {
      ...options,
      ...(this.#proxied ? {} : { agent }),
      method: wanted.method,
      headers: { ...(options.headers as Record<string, string>), ...headersOf(wanted, body) },
      ...(wanted.signal === undefined ? {} : { signal: wanted.signal }),
    });
    const answer = received(sent, wanted, this.#timers);
    sent.end(body);
    return answer;
  }

  close(): void {
    this.#secure.destroy();
    this.#plain.destroy();
  }

  #route(): { readonly secure: boolean; readonly agent: PlainAgent } {
    const secure = this.#server.protocol === "https:";
    return { secure, agent: secure ? this.#secure : this.#plain };
  }

  /** The server may stand behind a path of its own. */
  #urlOf(path: string): URL {
    return new URL(`${this.#server.pathname.replace(/\/$/, "")}${path}`, this.#server);
  }
}

function headersOf({ contentType }: KubeRequest, body: string | undefined): Record<string, string> {
  return {
    Accept: "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": userAgent,
    ...(body === undefined
      ? {}
      : { "Content-Type": contentType ?? "application/json", "Content-Length": String(Buffer.byteLength(body)) }),
  };
}

/** The answer once its head is there. Silence before that, or in its body, ends the connection. */
function received(sent: ClientRequest, { idleMilliseconds }: KubeRequest, timers: Timers): Promise<KubeResponse> {
  return new Promise((resolve, reject) => {
    const watchdog = new Watchdog(timers, idleMilliseconds, () =>
      sent.destroy(new Error(`nothing came for ${idleMilliseconds} ms`)),
    );
    sent.once("error", (error) => {
      watchdog.stop();
      reject(error);
    });
    sent.once("response", (response) => {
      watchdog.feed();
      response.on("data", () => watchdog.feed());
      response.once("close", () => watchdog.stop());
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: decompressed(response) });
    });
  });
}

function decompressed(response: IncomingMessage): Readable {
  // The data listener above has started the flow; what is read must wait for its reader.
  response.pause();
  if (response.headers["content-encoding"] !== "gzip") return response;
  // Whoever reads the result meets the error there.
  return pipeline(response, createGunzip(), () => undefined);
}
