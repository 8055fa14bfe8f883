import { type Command, InvalidArgumentError, Option } from "commander";
import { engineNames } from "../../lab/engine/ports.ts";
import { outputs } from "../../lab/report/result.ts";
import type { Terminal } from "../terminal.ts";
import { labApply } from "./apply.ts";
import { labExec } from "./exec.ts";
import { labConntrack, labDown, labStatus } from "./show.ts";
import { labTest, type TestOptions } from "./test.ts";
import { labUp } from "./up.ts";

interface Named {
  readonly name: string;
}

function parseName(value: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/.test(value)) return value;
  throw new InvalidArgumentError("A lab's name has up to 32 lower-case letters, digits and -.");
}

const named = (): Option =>
  new Option("--name <name>", "which lab, where several are up").default("default").argParser(parseName);

/** Adds `lab` and its commands; each tells `end` its exit code. */
export function addLabCommands(program: Command, terminal: Terminal, end: (code: number) => void): void {
  const lab = program
    .command("lab")
    .description("security groups between network namespaces on this machine, no cluster needed");
  lab
    .command("test")
    .description("run scenario files: policy tests as data")
    .argument("<path...>", "scenario files, or directories of them")
    .addOption(
      new Option(
        "--engine <engine>",
        "model: TypeScript alone; kernel: real packets and eBPF (root); both: also compares them",
      )
        .choices([...engineNames, "both"])
        .default("model"),
    )
    .addOption(new Option("--output <output>", "how to report").choices(outputs).default("pretty"))
    .addHelpText(
      "after",
      "\nExit codes: 0 every expectation holds, 1 one fails or the engines differ, 2 a file is invalid or the engine cannot run here.",
    )
    .action(async (paths: string[], options: TestOptions) => end(await labTest(paths, options, terminal)));
  lab
    .command("up")
    .description("bring up a scenario's pods, hosts and resources, and keep them (its steps are not run)")
    .argument("<file>", "scenario file")
    .addOption(named())
    .action(async (file: string, options: Named) => end(await labUp(file, options, terminal)));
  lab
    .command("exec")
    .description("run a command in the network namespace of a pod or host, or of the node")
    .argument("<pod>", "pod or host name, or node")
    .argument("<command...>", "the command, after --")
    .addOption(named())
    .passThroughOptions()
    .action(async (pod: string, command: string[], options: Named) => end(await labExec(pod, command, options)));
  lab
    .command("apply")
    .description("create or replace objects; returns once every pod is programmed")
    .requiredOption("-f, --filename <file>", "file of manifests")
    .addOption(named())
    .action(async (options: Named & { filename: string }) => end(await labApply(options.filename, options, terminal)));
  lab
    .command("conntrack")
    .description("show connection tables")
    .argument("[pod]", "one pod's; without it all")
    .addOption(named())
    .action(async (pod: string | undefined, options: Named) => end(await labConntrack(pod, options, terminal)));
  lab
    .command("status")
    .description("show pods, their state and counters")
    .addOption(named())
    .action(async (options: Named) => end(await labStatus(options, terminal)));
  lab
    .command("down")
    .description("end a lab")
    .addOption(named())
    .action(async (options: Named) => end(await labDown(options, terminal)));
}
