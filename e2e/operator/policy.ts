import type { EndpointPolicy } from "../../semantics/policy.ts";
import type { ClusterWorld } from "./world.ts";

/** A rule that lets tcp to a port in from the members of groups. */
export const allow = (port: number, ...groups: readonly string[]) => ({
  protocol: "tcp",
  ports: port,
  from: groups.map((name) => ({ securityGroup: { name } })),
});

interface Members {
  readonly groups?: readonly string[];
  readonly cidrs: readonly string[];
}

/** What the compiled objects say of a pod, if anything. */
export async function endpointOf(world: ClusterWorld, pod: string): Promise<EndpointPolicy | undefined> {
  const policies = await world.list("NodePolicy");
  return policies
    .flatMap(({ spec }) => (spec as { endpoints: readonly EndpointPolicy[] }).endpoints)
    .find((one) => one.pod.name === pod);
}

/** Addresses of a group's members, as the compiled objects have them. */
export async function membersOf(world: ClusterWorld, group: string): Promise<readonly string[]> {
  const sets = (await world.list("AddressSet")).map(({ spec }) => spec as Members);
  return sets.filter((set) => set.groups?.includes(`default/${group}`)).flatMap(({ cidrs }) => cidrs);
}
