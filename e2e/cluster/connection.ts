import { readFileSync } from "node:fs";
import { type ClientRequest, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent, request } from "node:https";
import { parse } from "yaml";
import { ClusterProblem } from "./problem.ts";

/** What an API server answered. */
interface Answer {
  readonly status: number;
  /** Parsed JSON, or the text where it is none. */
  readonly body: unknown;
}

/** Requests to one API server in the name of one user. */
export interface Connection {
  send(method: string, path: string, body?: unknown, contentType?: string): Promise<Answer>;
  close(): void;
}

/** Whom a kubeconfig's current context asks, and in whose name. Certificates and key are PEM. */
interface Credentials {
  readonly server: string;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

type Fields = Readonly<Record<string, unknown>>;

function named(list: unknown, name: unknown, field: string): Fields {
  const found = (list as readonly Fields[] | undefined)?.find((entry) => entry["name"] === name);
  return (found?.[field] ?? {}) as Fields;
}

function bytes(fields: Fields, name: string): Buffer | undefined {
  const data = fields[`${name}-data`];
  if (typeof data === "string") return Buffer.from(data, "base64");
  const file = fields[name];
  return typeof file === "string" ? readFileSync(file) : undefined;
}

function headersOf(user: Fields): Credentials["headers"] {
  const token = user["token"];
  const as = user["as"];
  return {
    ...(typeof token === "string" ? { Authorization: `Bearer ${token}` } : {}),
    ...(typeof as === "string" ? { "Impersonate-User": as } : {}),
    ...(Array.isArray(user["as-groups"]) ? { "Impersonate-Group": user["as-groups"] as string[] } : {}),
  };
}

/** The current context of a kubeconfig. */
export function readKubeconfig(path: string): Credentials {
  const config = parse(readFileSync(path, "utf8")) as Fields;
  const context = named(config["contexts"], config["current-context"], "context");
  const cluster = named(config["clusters"], context["cluster"], "cluster");
  const user = named(config["users"], context["user"], "user");
  if (typeof cluster["server"] !== "string" || "exec" in user || "auth-provider" in user)
    throw new ClusterProblem(
      `${path} has no server in its current context, or gets its credentials from another program`,
      "name a kubeconfig with a client certificate or a token in KUBECONFIG",
    );
  const ca = bytes(cluster, "certificate-authority");
  const cert = bytes(user, "client-certificate");
  const key = bytes(user, "client-key");
  return {
    server: cluster["server"],
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    headers: headersOf(user),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Connects as the user of this kubeconfig, with client certificate, token and impersonation as it says. */
export function connect(kubeconfig: string): Connection {
  const { server, headers, ...tls } = readKubeconfig(kubeconfig);
  const secure = server.startsWith("https:");
  const agent = secure ? new Agent({ keepAlive: true, ...tls }) : new PlainAgent({ keepAlive: true });
  const open: (url: URL, options: object) => ClientRequest = secure ? request : plainRequest;
  return {
    send: (method, path, body, contentType = "application/json") =>
      new Promise((resolve, reject) => {
        const written = body === undefined ? undefined : JSON.stringify(body);
        const sent = open(new URL(path, server), {
          method,
          agent,
          headers: {
            ...headers,
            Accept: "application/json",
            // Node does not frame the body of a DELETE by itself; the server would read it as the next request.
            ...(written === undefined
              ? {}
              : { "Content-Type": contentType, "Content-Length": Buffer.byteLength(written) }),
          },
        });
        sent.once("error", reject).once("response", (response) => {
          let text = "";
          response
            .setEncoding("utf8")
            .on("data", (part: string) => {
              text += part;
            })
            .once("error", reject)
            .once("end", () => resolve({ status: response.statusCode ?? 0, body: parsed(text) }));
        });
        sent.end(written);
      }),
    close: () => agent.destroy(),
  };
}
