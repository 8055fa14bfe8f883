import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { output } from "./command.ts";
import { CpioArchive } from "./cpio.ts";
import type { Module } from "./modules.ts";
import { KernelProblem } from "./problem.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** Where the checkout is in the guest. */
const home = "/sallyport";
/** What of the checkout the guest runs. */
const rooms = [
  ...["semantics", "crds", "operator", "datapath", "lab", "cli"],
  ...["kernels", "queueing", "test"].map((folder) => `e2e/compat/${folder}`),
  "build/bpf",
];
const busybox = "/usr/bin/busybox";

/** Programs of this machine that the guest has, by where. */
const programs: Readonly<Record<string, string>> = {
  "/usr/bin/node": process.execPath,
  "/usr/sbin/ip": "/usr/sbin/ip",
  "/usr/sbin/tc": "/usr/sbin/tc",
  "/usr/bin/mount": "/usr/bin/mount",
};

/** Libraries that are opened by name, and so are in no program's list. */
const opened = ["libbpf.so.1"];

/** Files that a program or library is loaded with, itself not among them. */
function librariesOf(path: string): string[] {
  const lines = output("ldd", [path], "libc-bin").toString().split("\n");
  return lines.flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

function pathOfLibrary(name: string): string {
  const line = output("/sbin/ldconfig", ["-p"], "libc-bin")
    .toString()
    .split("\n")
    .find((candidate) => candidate.trim().startsWith(`${name} `) && !candidate.includes("libc6,x32"));
  const path = line?.split("=> ")[1];
  if (path === undefined) throw new KernelProblem(`this machine has no ${name}`, "run npm run setup");
  return path;
}

/** Folders of the npm packages that the product depends on, and those on. */
function productPackages(): string[] {
  const found = new Set<string>();
  const visit = (folder: string): void => {
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(join(root, folder, "package.json"), "utf8"),
    ) as { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> };
    // The root's optional ones are Node itself.
    const names = Object.keys(folder === "" ? dependencies : { ...dependencies, ...optionalDependencies });
    for (const name of names) {
      const path = posix.join("node_modules", name);
      if (found.has(path) || !existsSync(join(root, path))) continue;
      found.add(path);
      visit(path);
    }
  };
  visit("");
  return [...found];
}

function addTree(archive: CpioArchive, folder: string): void {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !/\.(md|map|test\.ts|d\.[cm]?ts)$/.test(entry.name))
      archive.copy(path, join(home, path.slice(root.length)));
  }
}

/** The part of the guest's file system that is the same for every kernel. */
export function commonFiles(): Buffer {
  const archive = new CpioArchive();
  for (const folder of ["/proc", "/sys", "/dev", "/tmp", "/run"]) archive.addFolder(folder);
  archive.copy(busybox, "/bin/busybox", true);
  archive.copy(join(root, "e2e/compat/kernels/guest/init.sh"), "/init", true);
  const libraries = opened.map(pathOfLibrary);
  for (const [to, from] of Object.entries(programs)) archive.copy(realpathSync(from), to, true);
  const needed = [...libraries, ...[...Object.values(programs), ...libraries].flatMap(librariesOf)];
  for (const path of new Set(needed)) archive.copy(path, path, true);
  archive.copy(join(root, "package.json"), join(home, "package.json"));
  for (const folder of [...rooms, ...productPackages()]) addTree(archive, folder);
  return archive.end();
}

/** The part that is of one kernel: its modules, and the order to load them in. */
export function moduleFiles(modules: readonly Module[]): Buffer {
  const archive = new CpioArchive();
  for (const { name, content } of modules) archive.addFile(`/modules/${name}`, content);
  archive.addFile("/modules/order", Buffer.from(`${modules.map(({ name }) => name).join("\n")}\n`));
  return archive.end();
}
