import { z } from "zod";
import type { Rate, Timeouts } from "../semantics/policy.ts";
import { twin, twins } from "./cel.ts";
import { clusterMetadata, status } from "./metadata.ts";
import { quantity } from "./quantity.ts";
import type { DeepReadonly } from "./readonly.ts";
import { checked } from "./refusal.ts";
import { selector } from "./selector.ts";
import { apiVersion } from "./version.ts";

/** Timeouts in seconds where no profile says otherwise (S-35, S-36). */
export const defaultTimeouts: Timeouts = { tcpEstablished: 350, udpStream: 180, udp: 30 };

/** Connections of a pod that no profile limits (S-70). */
export const defaultConntrackMax = 32_768;

/** Packets per second to link-local services and node-local DNS (section 5). */
export const defaultLinkLocal: Rate = { perSecond: 1024, burst: 1024 };

const most = 2 ** 31 - 1;

/** A bucket smaller than the largest packet would never let it pass. Bytes. */
const leastDefaultBurst = 65_536;

const seconds = (least: number, highest: number, fallback: number, documentation: string) =>
  z.int().min(least).max(highest).default(fallback).meta({ description: documentation });

const timeouts = z
  .strictObject({
    tcpEstablished: seconds(
      60,
      432_000,
      defaultTimeouts.tcpEstablished,
      "Established TCP, 60 to 432000 seconds (S-35).",
    ),
    udpStream: seconds(60, 180, defaultTimeouts.udpStream, "UDP from the second round on, 60 to 180 seconds (S-36)."),
    udp: seconds(30, 60, defaultTimeouts.udp, "UDP before that, 30 to 60 seconds (S-36)."),
  })
  .prefault({})
  .meta({ description: "Idle timeouts in whole seconds." });

const conntrack = z
  .strictObject({
    max: z
      .int()
      .min(0)
      .max(most)
      .optional()
      .meta({ description: "Most tracked connections of a pod; omitted: the cluster's default (S-70)." }),
    timeouts,
  })
  .prefault({})
  .meta({ description: "Connection tracking." });

const rateOf = (perSecond: number | undefined, burst: number | undefined): Rate | undefined =>
  perSecond === undefined
    ? undefined
    : { perSecond, burst: burst ?? Math.max(leastDefaultBurst, Math.floor(perSecond / 8)) };

const burstAlone = { message: "is a burst without a rate", remedy: "write `in` or `out` too" };

const bandwidth = checked(
  z.strictObject({
    in: quantity("Bits per second that may enter a pod, as 100M; omitted: no limit.").optional(),
    out: quantity("Bits per second that may leave a pod, as 100M; omitted: no limit.").optional(),
    burst: quantity("Bytes that may pass at once; omitted: one second's worth, at least 65536 (S-74).").optional(),
  }),
  (value, findings) => {
    const unlimited =
      value.in === undefined && value.out === undefined && findings.sound("in") && findings.sound("out");
    if (unlimited && value.burst !== undefined && !findings.unknownFields)
      findings.refuse({ path: ["burst"], ...burstAlone });
  },
)
  .transform((written) => {
    const incoming = rateOf(written.in, written.burst);
    const outgoing = rateOf(written.out, written.burst);
    return { ...(incoming ? { in: incoming } : {}), ...(outgoing ? { out: outgoing } : {}) };
  })
  .prefault({})
  .meta({
    description: "Bandwidth, each direction for itself.",
    ...twins(twin("has(self.__in__) || has(self.out) || !has(self.burst)", burstAlone, ".burst")),
  });

const packets = z
  .strictObject({
    perSecond: z.int().min(1).max(most).meta({ description: "Packets per second, both directions together." }),
    burst: z
      .int()
      .min(1)
      .max(most)
      .optional()
      .meta({ description: "Packets that may pass at once; omitted: one second's worth (S-74)." }),
  })
  .transform(({ perSecond, burst }): Rate => ({ perSecond, burst: burst ?? perSecond }))
  .optional()
  .meta({ description: "Packet rate; omitted: no limit." });

const linkLocal = z
  .strictObject({
    perSecond: z
      .int()
      .min(0)
      .max(most)
      .default(defaultLinkLocal.perSecond)
      .meta({ description: "Packets per second, with a burst of one second's worth." }),
  })
  .transform(({ perSecond }): Rate => ({ perSecond, burst: perSecond }))
  .prefault({})
  .meta({ description: "Packets to link-local services and DNS." });

const spec = z
  .strictObject({
    namespaceSelector: selector.optional().meta({ description: "Labels of the pods' namespaces; omitted: any." }),
    podSelector: selector.optional().meta({ description: "Labels of the pods; omitted: any." }),
    priority: z
      .int()
      .min(-most)
      .max(most)
      .default(0)
      .meta({ description: "Of the profiles that select a pod the highest applies; ties go to the first name." }),
    conntrack,
    bandwidth,
    packets,
    linkLocal,
  })
  .meta({ description: "Whom the profile is for, and what it allows." });

/** Schema of AllowanceProfile. */
export const allowanceProfile = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal("AllowanceProfile"),
    metadata: clusterMetadata,
    spec,
    status,
  })
  .meta({ description: "What a pod may use of the network; the counterpart of an EC2 instance type." });

/** An AllowanceProfile with timeouts and rates filled in; rates are bits (bursts bytes) or packets. */
export type AllowanceProfile = DeepReadonly<z.output<typeof allowanceProfile>>;
