import { z } from "zod";
import { address, field, objectName, refuse } from "./fields.ts";

const addresses = z
  .array(address, "is not a list")
  .superRefine((list, ctx) => {
    for (const [index, entry] of list.entries()) {
      if (list.indexOf(entry) < index) refuse(ctx, [index], "is there twice", "give each address once");
    }
  })
  .optional();

/** Names that mean something else in steps. */
const machine = objectName.refine((name) => name !== "node", {
  message: "means the node itself",
  params: { remedy: "give the pod or host another name" },
});

const labels = z.record(
  z.string(),
  field(
    (value) => (typeof value === "string" ? value : undefined),
    "is not a text",
    "write the label's value in quotes",
  ),
  "is not a map of texts",
);

/** A pod: a network namespace behind a veth pair. Addresses are given out where omitted. */
export const podSpec = z.strictObject({
  name: machine,
  namespace: objectName.default("default"),
  labels: labels.default({}),
  serviceAccount: objectName.default("default"),
  addresses,
});

/** A machine outside the cluster. */
export const hostSpec = z.strictObject({ name: machine, addresses });

export type PodSpec = z.output<typeof podSpec>;
export type HostSpec = z.output<typeof hostSpec>;
