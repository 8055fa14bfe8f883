/** How a value is written on a command line and in the environment, where everything is text. */
type Form = "text" | "number" | "boolean" | "list";

/** One thing that can be configured. */
export interface Setting {
  /** Path in the configuration file, which is also the shape of the result; flag and variable follow from it. */
  readonly name: string;
  readonly form: Form;
  readonly unit: string;
  readonly default: unknown;
  readonly doc: string;
  /** What is wrong with a value, with the remedy; undefined if nothing. */
  readonly refusal: (value: unknown) => string | undefined;
}

/** The configuration is not usable; the message names each field, its value and the remedy. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Refuses what is no whole number between two bounds. */
export const whole =
  (least: number, most: number) =>
  (value: unknown): string | undefined =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `is not a whole number from ${least} to ${most}; write one`;

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

function at(tree: Tree, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, part) => (isTree(value) ? value[part] : undefined), tree);
}

/** Puts a value at a path, making what is above it. */
export function put(tree: Tree, [first = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  const below = isTree(tree[first]) ? tree[first] : {};
  tree[first] = below;
  put(below, rest, value);
}

const leaves = (tree: Tree, path: readonly string[] = []): string[] =>
  Object.entries(tree).flatMap(([name, value]) =>
    isTree(value) ? leaves(value, [...path, name]) : value === undefined ? [] : [[...path, name].join(".")],
  );

/** Checks what was written and fills in the rest. Throws a `ConfigError` that names everything that is wrong. */
export function parseSettings(settings: readonly Setting[], written: object): object {
  const config: Tree = {};
  const known = new Set(settings.map(({ name }) => name));
  const problems = leaves(written as Tree)
    .filter((name) => !known.has(name))
    .map((name) => `${name} is not known; remove it or correct its name`);
  for (const setting of settings) {
    const path = setting.name.split(".");
    const given = at(written as Tree, path);
    const value = given === undefined ? setting.default : given;
    const refusal = setting.refusal(value);
    if (refusal !== undefined) problems.push(`${setting.name} ${JSON.stringify(value)} ${refusal}`);
    put(config, path, value);
  }
  if (problems.length > 0) throw new ConfigError(`configuration: ${problems.join("\nconfiguration: ")}`);
  return config;
}
