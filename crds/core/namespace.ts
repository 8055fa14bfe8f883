import { z } from "zod";
import { coreClusterMetadata } from "../metadata.ts";
import type { DeepReadonly } from "../readonly.ts";

/** The part of a Namespace that is read: its labels. */
export const namespace = z.looseObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Namespace"),
  metadata: coreClusterMetadata,
});

/** A Namespace. */
export type Namespace = DeepReadonly<z.output<typeof namespace>>;
