/** Groups of each namespace; `groups.ts` says which. */
export const groupsPerNamespace = 5;

/** How large the cluster is. */
export interface Size {
  readonly nodes: number;
  readonly pods: number;
  readonly namespaces: number;
}

/** The size that the goals are for, and a tenth of it. */
export const sizes: Readonly<Record<"full" | "quick", Size>> = {
  full: { nodes: 5000, pods: 100_000, namespaces: 200 },
  quick: { nodes: 500, pods: 10_000, namespaces: 20 },
};

export const nodeName = (index: number): string => `node-${index}`;
export const namespaceName = (index: number): string => `team-${index}`;

/** A uid that belongs to this object of its kind alone. */
export function uidOf(kind: number, index: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
  return `5ca1e000-${hex(kind, 4)}-4000-8000-${hex(index, 12)}`;
}

/** When everything was made that is there from the start. */
export const created = "2026-01-01T00:00:00Z";
