import { z } from "zod";
import {
  advanceAction,
  closeAction,
  connectAction,
  deleteAction,
  exchangeAction,
  floodAction,
  packetAction,
} from "./actions.ts";
import { configSpec } from "./config.ts";
import { connectExpectation, deliveryExpectation, podExpectation } from "./expectation.ts";
import { field, machineName, objectName } from "./fields.ts";
import { hostSpec, podSpec } from "./machines.ts";

/** One manifest or a list of them, each inline or `{file: path}`; checked by `crds/`. */
const manifests = field(
  (value) => (typeof value === "object" && value !== null ? value : undefined),
  "is neither an object nor a list",
  "give a manifest, {file: path}, or a list of these",
);

/** What a step can do, by the key that says so. */
export const actionSchemas = {
  apply: manifests,
  delete: deleteAction,
  pod: podSpec,
  removePod: machineName,
  packet: packetAction,
  connect: connectAction,
  exchange: exchangeAction,
  close: closeAction,
  flood: floodAction,
  advance: advanceAction,
  restartAgent: z.strictObject({}),
} as const;

export type ActionName = keyof typeof actionSchemas;
export const actionNames = Object.keys(actionSchemas) as readonly ActionName[];

/** What `expect` may say beside each action; alone it speaks of a pod. */
export const expectationSchemas = {
  packet: deliveryExpectation,
  exchange: deliveryExpectation,
  flood: deliveryExpectation,
  connect: connectExpectation,
} as const;

export const aloneExpectation = podExpectation;

export const envelopeSchema = z.strictObject({
  apiVersion: z.literal("lab.sallyport.dev/v1alpha1"),
  kind: z.literal("Scenario"),
  metadata: z.strictObject({ name: objectName }),
  spec: z.strictObject({
    config: configSpec.prefault({}),
    resources: manifests.optional(),
    pods: z.array(podSpec, "is not a list").default([]),
    hosts: z.array(hostSpec, "is not a list").default([]),
    /** Each is read by the schemas of its own keys, so that a message never speaks of other steps. */
    steps: z.array(z.unknown(), "is not a list").default([]),
  }),
});
