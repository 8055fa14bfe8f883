import { hostname } from "node:os";
import { parse } from "yaml";
import { type OperatorConfig, policySettings, withAddresses } from "./config.ts";
import { ConfigError, parseSettings, put, type Setting, whole } from "./settings.ts";

/** Everything that can be configured about the operator as a process. Times are milliseconds. */
export interface ProcessConfig {
  readonly policy: OperatorConfig;
  readonly kubeconfig: string | null;
  readonly listen: string;
  readonly logLevel: string;
  readonly identity: string;
  readonly leaderElection: {
    readonly enabled: boolean;
    readonly namespace: string;
    readonly name: string;
    readonly lease: number;
    readonly deadline: number;
    readonly retry: number;
  };
  readonly queueInterval: number;
  readonly reportDelay: number;
  readonly memberInterval: number;
  readonly absentRetry: number;
}

const anyText = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? undefined : "is no text; write some";

const levels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

const oneOf = (words: readonly string[]) => (value: unknown) =>
  words.includes(value as string) ? undefined : `is not known; write one of ${words.join(", ")}`;

/** All settings of the process, in the order in which help shows them. */
const processSettings: readonly Setting[] = [
  {
    name: "kubeconfig",
    form: "text",
    unit: "path",
    default: null,
    doc: "Kubeconfig of the cluster; without it the pod's service account, else the usual kubeconfig.",
    refusal: (value) => (value === null ? undefined : anyText(value)),
  },
  {
    name: "listen",
    form: "text",
    unit: "host:port",
    default: ":8080",
    doc: "Where /healthz, /readyz and /metrics are served.",
    refusal: (value) =>
      typeof value === "string" && /:\d{1,5}$/.test(value) ? undefined : "is no address; write host:port or :port",
  },
  {
    name: "logLevel",
    form: "text",
    unit: levels.join(" "),
    default: "info",
    doc: "Least important log entries that are written.",
    refusal: oneOf(levels),
  },
  {
    name: "identity",
    form: "text",
    unit: "name",
    default: hostname(),
    doc: "Name of this replica among others; the host's, which in a pod is the pod's.",
    refusal: anyText,
  },
  {
    name: "leaderElection.enabled",
    form: "boolean",
    unit: "true or false",
    default: true,
    doc: "Whether replicas compete for a lease; without it only one may run.",
    refusal: (value) => (typeof value === "boolean" ? undefined : "is neither true nor false; write one"),
  },
  {
    name: "leaderElection.namespace",
    form: "text",
    unit: "namespace",
    default: "sallyport-system",
    doc: "Namespace of the lease.",
    refusal: anyText,
  },
  {
    name: "leaderElection.name",
    form: "text",
    unit: "name",
    default: "sallyport-operator",
    doc: "Name of the lease.",
    refusal: anyText,
  },
  {
    name: "leaderElection.lease",
    form: "number",
    unit: "milliseconds",
    default: 15_000,
    doc: "How long a lease that is not renewed keeps other replicas away; whole seconds.",
    refusal: whole(1000, 600_000),
  },
  {
    name: "leaderElection.deadline",
    form: "number",
    unit: "milliseconds",
    default: 10_000,
    doc: "How long a leader that cannot renew goes on writing; shorter than the lease.",
    refusal: whole(500, 600_000),
  },
  {
    name: "leaderElection.retry",
    form: "number",
    unit: "milliseconds",
    default: 2000,
    doc: "Between two attempts to get or to renew the lease; shorter than the deadline.",
    refusal: whole(100, 60_000),
  },
  {
    name: "queueInterval",
    form: "number",
    unit: "milliseconds",
    default: 100,
    doc: "Shortest time between two rounds of work: what changes meanwhile is done together.",
    refusal: whole(0, 10_000),
  },
  {
    name: "reportDelay",
    form: "number",
    unit: "milliseconds",
    default: 2000,
    doc: "How long agents' reports are gathered before statuses are told from them.",
    refusal: whole(0, 60_000),
  },
  {
    name: "memberInterval",
    form: "number",
    unit: "milliseconds",
    default: 1000,
    doc: "Shortest time between two writes of an address set as pods come and go; a lone change goes at once.",
    refusal: whole(0, 10_000),
  },
  {
    name: "absentRetry",
    form: "number",
    unit: "milliseconds",
    default: 10_000,
    doc: "How often kinds of others that are not installed (SecurityGroupPolicy) are asked for.",
    refusal: whole(100, 600_000),
  },
];

const settings: readonly Setting[] = [
  ...processSettings,
  ...policySettings.map((setting) => ({ ...setting, name: `policy.${setting.name}` })),
];

/** The file's own flag and variable; it can't be named in itself. */
const fileFlag = "--config";
const fileVariable = "SALLYPORT_CONFIG";

const words = (name: string): string =>
  name
    .replace(/^policy\./, "")
    .replaceAll(/([A-Z])/g, "-$1")
    .replaceAll(".", "-");

/** `--quotas-rules-per-group`. */
const flagOf = ({ name }: Setting): string => `--${words(name).toLowerCase()}`;

/** `SALLYPORT_QUOTAS_RULES_PER_GROUP`. */
const variableOf = ({ name }: Setting): string => `SALLYPORT_${words(name).toUpperCase().replaceAll("-", "_")}`;

/** A value out of text. What can't be one stays text, which the setting then refuses. */
function fromText({ form, default: usual }: Setting, text: string): unknown {
  if (usual === null && text === "null") return null;
  switch (form) {
    case "text":
      return text;
    case "number":
      return /^\d+$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "list":
      return text === "" ? [] : text.split(",");
  }
}

/** The values of all flags, by flag: `--flag value` and `--flag=value`. */
function readFlags(args: readonly string[]): ReadonlyMap<string, string> {
  const known = new Set([fileFlag, ...settings.map(flagOf)]);
  const given = new Map<string, string>();
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [flag = "", ...value] = arg.split("=");
    if (!known.has(flag)) throw new ConfigError(`${flag} is not known; see --help`);
    const text = value.length > 0 ? value.join("=") : rest.shift();
    if (text === undefined) throw new ConfigError(`${flag} needs a value; write ${flag}=VALUE`);
    given.set(flag, text);
  }
  return given;
}

function readConfigFile(path: string, readFile: (path: string) => string): Record<string, unknown> {
  try {
    const value: unknown = parse(readFile(path)) ?? {};
    if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`the configuration file ${path} can't be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  throw new ConfigError(`the configuration file ${path} holds no mapping; write name: value`);
}

/**
 * The configuration: flags win over the environment, that over the file, that over the defaults. Throws a `ConfigError`
 * that names everything that is wrong.
 */
export function readProcessConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): ProcessConfig {
  const flags = readFlags(args);
  const file = flags.get(fileFlag) ?? environment[fileVariable];
  const written = file === undefined ? {} : readConfigFile(file, readFile);
  for (const setting of settings) {
    const text = flags.get(flagOf(setting)) ?? environment[variableOf(setting)];
    if (text !== undefined) put(written, setting.name.split("."), fromText(setting, text));
  }
  const config = parseSettings(settings, written) as ProcessConfig;
  const { lease, deadline, retry } = config.leaderElection;
  if (retry >= deadline || deadline >= lease)
    throw new ConfigError(
      `configuration: leaderElection has retry ${retry}, deadline ${deadline} and lease ${lease}; write them so that retry < deadline < lease`,
    );
  return { ...config, policy: withAddresses(config.policy) };
}

/** What `--help` shows: every setting with flag, variable, place in the file, unit and default. */
export function describeSettings(): string {
  const lines = settings.map((setting) => {
    const { name, unit, doc, default: usual } = setting;
    const shown = name === "identity" ? "the host's name" : JSON.stringify(usual);
    return `  ${flagOf(setting)} (${unit}; default ${shown})\n      ${doc}\n      environment ${variableOf(setting)}, in the file ${name}`;
  });
  return `  ${fileFlag} (path)\n      YAML file with any of these.\n      environment ${fileVariable}\n${lines.join("\n")}\n`;
}
