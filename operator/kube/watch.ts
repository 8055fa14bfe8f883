import type { Kind, StoredObject } from "../ports.ts";
import type { KubeClient } from "./client.ts";
import { failureOf } from "./failure.ts";
import { collectionPath, query } from "./resources.ts";
import { trim } from "./trim.ts";

/** What a watch says, one thing at a time. */
export type WatchMessage =
  | { readonly type: "added" | "modified" | "deleted"; readonly object: StoredObject }
  /** Everything up to here has been told; `initialEnd`: the list that began the stream is whole. */
  | { readonly type: "bookmark"; readonly resourceVersion: string; readonly initialEnd: boolean };

/** How a watch is asked for. */
export interface WatchRequest {
  readonly kind: Kind;
  /** Where it goes on from; absent: it begins with all objects that are there (a streaming list). */
  readonly resourceVersion?: string;
  /** After how many seconds the server ends it. */
  readonly seconds: number;
  /** Longest silence, milliseconds. The server sends bookmarks about once a minute. */
  readonly idleMilliseconds: number;
  readonly signal?: AbortSignal;
}

interface RawEvent {
  readonly type: string;
  readonly object?: {
    readonly metadata?: { readonly resourceVersion?: string; readonly annotations?: Readonly<Record<string, string>> };
  };
}

const initialEndAnnotation = "k8s.io/initial-events-end";

const streamingList = {
  sendInitialEvents: "true",
  resourceVersionMatch: "NotOlderThan",
} as const;

function parsed(kind: Kind, { type, object }: RawEvent): WatchMessage {
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type: type.toLowerCase() as "added" | "modified" | "deleted", object: trim(kind, object) };
    case "BOOKMARK": {
      const { resourceVersion = "", annotations = {} } = object?.metadata ?? {};
      return { type: "bookmark", resourceVersion, initialEnd: annotations[initialEndAnnotation] === "true" };
    }
    case "ERROR":
      throw failureOf(object, 500);
    default:
      throw new Error(`a watch of ${kind} sent an event of unknown type ${type}`);
  }
}

/**
 * One watch, until the server ends it. Rejects with a `KubeFailure` when the server refuses, at once or by an ERROR
 * event; 410 means that `resourceVersion` is too old. Rejects with another error when the connection breaks.
 */
export async function* watchObjects(client: KubeClient, request: WatchRequest): AsyncGenerator<WatchMessage> {
  const { kind, resourceVersion, seconds, idleMilliseconds, signal } = request;
  const path = `${collectionPath(kind)}${query({
    watch: "true",
    allowWatchBookmarks: "true",
    timeoutSeconds: seconds,
    resourceVersion,
    ...(resourceVersion === undefined ? streamingList : {}),
  })}`;
  const lines = client.lines(path, { idleMilliseconds, ...(signal ? { signal } : {}) });
  for await (const line of lines) yield parsed(kind, line as RawEvent);
}
