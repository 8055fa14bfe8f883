import { parseArgs } from "node:util";

/** How the agent runs; every value is a command-line flag. */
export interface AgentConfig {
  /** Network namespace to work in; absent: the one it was started in. */
  readonly netns?: string;
  /** Folder on a bpffs for pins. */
  readonly bpffs: string;
  readonly object: string;
  readonly clock: "running" | "standing";
  readonly tableSize: number;
  readonly endpointSlots: number;
  readonly verdicts: boolean;
  /** Takes effect where fq is on the interfaces by which packets leave the node. */
  readonly queueEgress: boolean;
}

const options = {
  netns: { type: "string" },
  bpffs: { type: "string", default: "/sys/fs/bpf/sallyport" },
  object: { type: "string", default: "build/bpf/sallyport.bpf.o" },
  clock: { type: "string", default: "running" },
  "table-size": { type: "string", default: "1048576" },
  "endpoint-slots": { type: "string", default: "65536" },
  verdicts: { type: "boolean", default: false },
  "queue-egress": { type: "boolean", default: false },
} as const;

function positiveInteger(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`--${flag} ${text}: give a whole number above zero`);
  }
  return value;
}

/** Reads the command line. Errors name the flag, its value and what to give. */
export function readConfig(args: readonly string[]): AgentConfig {
  const { values } = parseArgs({ args: [...args], options, strict: true });
  if (values.clock !== "running" && values.clock !== "standing") {
    throw new Error(`--clock ${values.clock}: give running or standing`);
  }
  const endpointSlots = positiveInteger("endpoint-slots", values["endpoint-slots"]);
  if ((endpointSlots & (endpointSlots - 1)) !== 0 || endpointSlots > 65_536) {
    throw new Error(`--endpoint-slots ${endpointSlots}: give a power of two, at most 65536`);
  }
  return {
    ...(values.netns === undefined ? {} : { netns: values.netns }),
    bpffs: values.bpffs,
    object: values.object,
    clock: values.clock,
    tableSize: positiveInteger("table-size", values["table-size"]),
    endpointSlots,
    verdicts: values.verdicts,
    queueEgress: values["queue-egress"],
  };
}
