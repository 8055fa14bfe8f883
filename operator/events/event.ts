import { createHash } from "node:crypto";
import { controllerName } from "../kube/identity.ts";
import { kinds } from "../ports.ts";
import type { Happening } from "./decide.ts";

/** Longest note and longest name of a reporter that the API server takes, bytes. */
const longest = { note: 1024, instance: 128 } as const;

/** Where an event is. */
export interface EventPlace {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Place of the event that says this about the object. The same said again has the same name, by whichever replica and
 * after whatever restart: the API server then answers that it has it. Events about cluster-scoped objects are in
 * `default`.
 */
export function placeOf({ ref, uid, type, reason, action, note }: Happening): EventPlace {
  const said = createHash("sha256").update([uid, type, reason, action, note].join("\n")).digest("hex").slice(0, 16);
  const about = ref.name.slice(0, 200).replace(/[^a-z0-9]+$/, "");
  return { namespace: ref.namespace ?? "default", name: `${about}.${said}` };
}

/** The event (`events.k8s.io/v1`). `instance`: name of this replica; `time`: metav1.MicroTime. */
export function eventObject(happening: Happening, instance: string, time: string): object {
  const { ref, uid, type, reason, action, note } = happening;
  const { kind, ...place } = ref;
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: placeOf(happening),
    eventTime: time,
    reportingController: controllerName,
    reportingInstance: cutBytes(instance, longest.instance),
    type,
    reason,
    action,
    note: cutBytes(note, longest.note),
    regarding: { apiVersion: kinds[kind].apiVersion, kind, ...place, uid },
  };
}

/** The API server counts bytes; a character is not cut in two. */
function cutBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most - 3;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.subarray(0, end).toString()}...`;
}
