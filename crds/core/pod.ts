import { z } from "zod";
import { address } from "../cidr.ts";
import { coreNamespacedMetadata } from "../metadata.ts";
import type { DeepReadonly } from "../readonly.ts";

const port = z.looseObject({
  name: z.string().max(63).optional(),
  containerPort: z.int().min(1).max(65_535),
  protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
});

/** The part of a Pod that is read: who it is, where it runs, its addresses and named ports. */
export const pod = z.looseObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Pod"),
  metadata: coreNamespacedMetadata,
  spec: z
    .looseObject({
      nodeName: z.string().max(253).optional(),
      serviceAccountName: z.string().max(253).default("default"),
      hostNetwork: z.boolean().default(false),
      containers: z
        .array(z.looseObject({ name: z.string().max(63), ports: z.array(port).max(256).default([]) }))
        .max(256)
        .default([]),
    })
    .prefault({}),
  status: z
    .looseObject({
      phase: z.enum(["Pending", "Running", "Succeeded", "Failed", "Unknown"]).optional(),
      podIPs: z
        .array(z.looseObject({ ip: address }))
        .max(16)
        .default([]),
    })
    .prefault({}),
});

/** A Pod. */
export type Pod = DeepReadonly<z.output<typeof pod>>;
