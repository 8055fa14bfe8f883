import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";

/** What the operator answers over HTTP, beside its work. */
export interface HealthParts {
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string;
  /** Why it is not ready; undefined if it is. */
  readonly notReady: () => string | undefined;
  readonly metrics: () => Promise<string>;
}

/** A server that listens. */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

function answer(response: ServerResponse, status: number, body: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "Content-Type": type }).end(body);
}

/** Serves `/healthz` (the process answers), `/readyz` (its caches are whole) and `/metrics` (Prometheus). */
export async function serveHealth({ listen, notReady, metrics }: HealthParts): Promise<HealthServer> {
  const server = createServer((request, response) => {
    switch (request.url?.split("?", 1)[0]) {
      case "/healthz":
        return answer(response, 200, "ok\n");
      case "/readyz": {
        const reason = notReady();
        return answer(response, reason === undefined ? 200 : 503, `${reason ?? "ok"}\n`);
      }
      case "/metrics":
        metrics().then(
          (text) => answer(response, 200, text, "text/plain; version=0.0.4; charset=utf-8"),
          (error: Error) => answer(response, 500, `${error.message}\n`),
        );
        return;
      default:
        return answer(response, 404, "there are /healthz, /readyz and /metrics\n");
    }
  });
  const at = listen.lastIndexOf(":");
  server.listen(Number(listen.slice(at + 1)), listen.slice(0, at).replace(/^\[|\]$/g, "") || undefined);
  await once(server, "listening");
  return { port: portOf(server), close: () => closed(server) };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function closed(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  if (server.listening) await once(server, "close");
}
