import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { output } from "./command.ts";
import { KernelProblem } from "./problem.ts";

/** What the datapath and the lab use that Debian builds as modules. */
const wanted = ["veth", "tun", "sch_ingress", "cls_bpf", "act_bpf", "sch_fq", "dummy"];

/** A module as the guest loads it, behind those that it depends on. */
export interface Module {
  /** Its file's name without what compression adds: `veth.ko`. */
  readonly name: string;
  readonly content: Buffer;
}

const nameOf = (path: string): string => basename(path).replace(/\.(xz|zst|gz)$/, "");

/** The dependencies that each file states of itself; a package has no modules.dep, which depmod makes. */
function dependenciesOf(content: Buffer): string[] {
  const stated = /\0depends=([^\0]*)\0/.exec(content.toString("latin1"))?.[1] ?? "";
  return stated.split(",").filter((name) => name !== "");
}

function read(path: string): Buffer {
  if (path.endsWith(".xz")) return output("xz", ["--decompress", "--stdout", path], "xz-utils");
  return readFileSync(path);
}

/** The wanted modules of a kernel and all that they need, each behind its dependencies. What is built in is left out. */
export function collectModules(folder: string): readonly Module[] {
  const files = new Map(
    readdirSync(join(folder, "kernel"), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.ko(\.xz)?$/.test(path))
      .map((path) => [nameOf(path).replace(/\.ko$/, "").replaceAll("-", "_"), join(folder, "kernel", path)]),
  );
  const builtIn = join(folder, "modules.builtin");
  const inKernel = existsSync(builtIn) ? readFileSync(builtIn, "utf8").replaceAll("-", "_") : "";
  const modules = new Map<string, Module>();
  const visit = (name: string): void => {
    if (modules.has(name) || inKernel.includes(`/${name}.ko`)) return;
    const path = files.get(name.replaceAll("-", "_"));
    if (path === undefined) throw new KernelProblem(`${folder} has no module ${name}`, "use one of Debian's kernels");
    const content = read(path);
    dependenciesOf(content).forEach(visit);
    modules.set(name, { name: nameOf(path), content });
  };
  wanted.forEach(visit);
  return [...modules.values()];
}
