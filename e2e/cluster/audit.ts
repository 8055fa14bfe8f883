import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";

/** One request that the API server has answered, as its audit log has it. */
export interface AuditEvent {
  /** A watch is logged when it begins (`ResponseStarted`) and when it ends; anything else when it is answered. */
  readonly stage: "ResponseStarted" | "ResponseComplete" | "Panic";
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly apiGroup?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  /** RFC 3339 with microseconds. */
  readonly stageTimestamp: string;
}

/** Logs who asked what when, without bodies. */
export const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata" }],
};

const newline = 0x0a;

function wholeLines(bytes: Buffer): readonly AuditEvent[] {
  return bytes
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AuditEvent);
}

/** Every request that has been logged, in the order of the log. A line that is being written is left for later. */
export function readAuditLog(path: string): readonly AuditEvent[] {
  const bytes = readFileSync(path);
  return wholeLines(bytes.subarray(0, bytes.lastIndexOf(newline) + 1));
}

/** What has been logged since the last call, from now on: for a log that is too long to be read again and again. */
export function followAuditLog(path: string): () => readonly AuditEvent[] {
  let read = statSync(path).size;
  return () => {
    const log = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(fstatSync(log).size - read);
      readSync(log, bytes, 0, bytes.length, read);
      const end = bytes.lastIndexOf(newline) + 1;
      read += end;
      return wholeLines(bytes.subarray(0, end));
    } finally {
      closeSync(log);
    }
  };
}
