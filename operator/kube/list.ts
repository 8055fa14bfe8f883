import type { Kind, ObjectList, StoredObject } from "../ports.ts";
import type { KubeClient } from "./client.ts";
import { collectionPath, query } from "./resources.ts";
import { trim } from "./trim.ts";

/** Objects that are asked for at once: a page of pods is 1.5 MB, which is parsed in a few milliseconds. */
const pageSize = 500;

interface Page {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items?: readonly unknown[];
}

/**
 * All objects of a kind, page by page, each trimmed as it is read. Without a `resourceVersion` in the request, so that
 * the answer is never older than what was seen before. Rejects with a `KubeFailure`; a 410 means that the pages took
 * too long and the list must begin anew.
 */
export async function listObjects(client: KubeClient, kind: Kind, signal?: AbortSignal): Promise<ObjectList> {
  const items: StoredObject[] = [];
  let next: string | undefined;
  for (;;) {
    const path = `${collectionPath(kind)}${query({ limit: pageSize, continue: next })}`;
    const page = (await client.request("GET", path, signal ? { signal } : {})) as Page;
    for (const item of page.items ?? []) items.push(trim(kind, item));
    next = page.metadata.continue;
    if (next === undefined || next === "") return { items, resourceVersion: page.metadata.resourceVersion };
  }
}
