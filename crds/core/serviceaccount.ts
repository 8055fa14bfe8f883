import { z } from "zod";
import { coreNamespacedMetadata } from "../metadata.ts";
import type { DeepReadonly } from "../readonly.ts";

/** The part of a ServiceAccount that is read: its labels. */
export const serviceAccount = z.looseObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("ServiceAccount"),
  metadata: coreNamespacedMetadata,
});

/** A ServiceAccount. */
export type ServiceAccount = DeepReadonly<z.output<typeof serviceAccount>>;
