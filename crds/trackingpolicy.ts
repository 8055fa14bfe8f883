import { z } from "zod";
import { twin, twins } from "./cel.ts";
import { cidr } from "./cidr.ts";
import { mapList } from "./map.ts";
import { clusterMetadata, status } from "./metadata.ts";
import type { DeepReadonly } from "./readonly.ts";
import { checked, unique } from "./refusal.ts";
import { text, textForms } from "./text.ts";
import { apiVersion } from "./version.ts";

/** The paths whose connections EC2 tracks whatever the rules (section 4). */
const trackingPaths = [
  "network-load-balancer",
  "nat-gateway",
  "gateway-load-balancer",
  "global-accelerator",
  "network-firewall",
  "transit-gateway",
  "private-link",
  "lambda",
] as const;

const flag = (documentation: string) => z.boolean().default(false).meta({ description: documentation });

const path = z
  .strictObject({
    name: z.enum(trackingPaths).meta({ description: "Path of EC2 that this is the counterpart of." }),
    services: flag("Track connections to ports on which a pod backs a Service of type LoadBalancer or NodePort."),
    gateways: flag("Track connections to ports on which a pod backs a Gateway's data-plane Service."),
    outsideCluster: flag("Track connections with addresses outside clusterCIDRs."),
    cidrs: z.array(cidr).max(1000).default([]).meta({ description: "Track connections with these addresses." }),
    prefixLists: z
      .array(text(textForms.objectName, "Name of a PrefixList."))
      .max(64)
      .default([])
      .meta({ description: "Track connections with the addresses of these prefix lists." }),
  })
  .meta({ description: "A path that is on, and how its connections are recognised." });

const paths = unique(
  z.array(path).max(trackingPaths.length),
  (value) => (value as Partial<z.output<typeof path>> | undefined)?.name,
  (key, first) => ({
    path: ["name"],
    message: `${key} is listed already, as spec.paths[${first}]`,
    remedy: "put both into one entry",
  }),
)
  .default([])
  .meta({ description: "The paths that are on; one that is not listed is off.", ...mapList("name") });

const noInside = {
  message: "needs to know what is inside the cluster",
  remedy: "list the cluster's addresses in spec.clusterCIDRs, or leave outsideCluster out",
};
const otherName = { message: "the one TrackingPolicy is named default", remedy: "write `default`" };

const spec = checked(
  z.strictObject({
    clusterCIDRs: z
      .array(cidr)
      .max(64)
      .default([])
      .meta({ description: "Addresses of pods, Services and nodes: what outsideCluster is outside of." }),
    paths,
  }),
  ({ clusterCIDRs, paths }, findings) => {
    if (!Array.isArray(paths) || !findings.sound("clusterCIDRs") || clusterCIDRs.length > 0) return;
    for (const [index, path] of paths.entries())
      if (findings.sound("paths", index, "outsideCluster") && path?.outsideCluster === true)
        findings.refuse({ path: ["paths", index, "outsideCluster"], ...noInside });
  },
).meta({
  description: "Which connections are tracked even where rules would leave them untracked (S-60).",
  ...twins(
    twin(
      "(has(self.clusterCIDRs) && self.clusterCIDRs.size() > 0) || !has(self.paths) || self.paths.all(path, !path.outsideCluster)",
      { ...noInside, message: `outsideCluster ${noInside.message}` },
      ".paths",
    ),
  ),
});

const metadata = checked(clusterMetadata, ({ name }, findings) => {
  if (findings.sound("name") && name !== "default") findings.refuse({ path: ["name"], ...otherName });
}).meta({ description: "Standard object metadata; the name is `default`." });

/** Schema of TrackingPolicy. */
export const trackingPolicy = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal("TrackingPolicy"),
    metadata,
    spec,
    status,
  })
  .meta({
    description: "Automatically tracked connections, for the whole cluster.",
    ...twins(twin("self.metadata.name == 'default'", otherName, ".metadata")),
  });

/** A TrackingPolicy with defaults applied and canonical CIDRs. */
export type TrackingPolicy = DeepReadonly<z.output<typeof trackingPolicy>>;
