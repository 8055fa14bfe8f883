import { z } from "zod";
import { address } from "../cidr.ts";
import { coreNamespacedMetadata } from "../metadata.ts";
import type { DeepReadonly } from "../readonly.ts";

const portNumber = z.int().min(1).max(65_535);

const port = z.looseObject({
  name: z.string().max(63).optional(),
  protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
  port: portNumber,
  /** Number, or name of a container's port; omitted: the same as `port`. */
  targetPort: z.union([portNumber, z.string().max(63)]).optional(),
  nodePort: portNumber.optional(),
});

/** The part of a Service that is read. A headless one has the cluster address `None`, which is left out. */
export const service = z.looseObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Service"),
  metadata: coreNamespacedMetadata,
  spec: z
    .looseObject({
      type: z.enum(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]).default("ClusterIP"),
      selector: z.record(z.string(), z.string()).optional(),
      clusterIP: z.union([z.literal(["None", ""]), address]).optional(),
      clusterIPs: z
        .array(z.union([z.literal(["None", ""]), address]))
        .max(2)
        .optional(),
      ports: z.array(port).max(1000).default([]),
    })
    .prefault({}),
});

/** A Service. */
export type Service = DeepReadonly<z.output<typeof service>>;
