import { z } from "zod";
import { coreNamespacedMetadata } from "../metadata.ts";
import type { DeepReadonly } from "../readonly.ts";

const endpoint = z.looseObject({
  addresses: z.array(z.string().max(253)).min(1).max(100),
  conditions: z
    .looseObject({
      /** Unknown counts as ready. */
      ready: z.boolean().nullable().optional(),
      serving: z.boolean().nullable().optional(),
      terminating: z.boolean().nullable().optional(),
    })
    .prefault({}),
  targetRef: z
    .looseObject({
      kind: z.string().max(63).optional(),
      namespace: z.string().max(63).optional(),
      name: z.string().max(253).optional(),
      uid: z.string().max(128).optional(),
    })
    .optional(),
  nodeName: z.string().max(253).nullable().optional(),
});

const port = z.looseObject({
  name: z.string().max(63).nullable().optional(),
  protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
  port: z.int().min(1).max(65_535).nullable().optional(),
});

/** The part of an EndpointSlice that is read; its label `kubernetes.io/service-name` names the Service. */
export const endpointSlice = z.looseObject({
  apiVersion: z.literal("discovery.k8s.io/v1"),
  kind: z.literal("EndpointSlice"),
  metadata: coreNamespacedMetadata,
  addressType: z.enum(["IPv4", "IPv6", "FQDN"]),
  endpoints: z.array(endpoint).max(1000).nullable().default([]),
  ports: z.array(port).max(100).nullable().default([]),
});

/** An EndpointSlice. */
export type EndpointSlice = DeepReadonly<z.output<typeof endpointSlice>>;
