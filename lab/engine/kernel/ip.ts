import { spawnSync } from "node:child_process";
import type { Family } from "../../../semantics/policy.ts";
import { EngineUnavailable } from "../ports.ts";
import type { NetworkNamespace } from "./namespace.ts";

/** Runs `ip` commands in a namespace, all in one process. Without a family, each command's addresses tell it. */
export function runIp(namespace: NetworkNamespace, commands: readonly string[], family?: Family): void {
  const args = [...(family === undefined ? [] : [`-${family}`]), "-batch", "-"];
  const { error, status, stderr } = namespace.inside(() =>
    spawnSync("ip", args, { input: `${commands.join("\n")}\n`, encoding: "utf8" }),
  );
  if (error !== undefined)
    throw new EngineUnavailable("the command ip can't be run", "install iproute2", { cause: error });
  if (status === 0) return;
  const line = Number(/-:([0-9]+)/.exec(stderr)?.[1] ?? 0);
  throw new Error(`ip ${commands[line - 1] ?? ""}: ${stderr.trim()}`);
}
