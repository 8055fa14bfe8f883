import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { run } from "./command.ts";
import { ClusterProblem } from "./problem.ts";
import { showProgress } from "./progress.ts";

/** A program out of a Go module. */
export interface GoProgram {
  readonly module: string;
  readonly version: string;
  /** Path of its main package. */
  readonly main: string;
  /** Name of the file to be made, where it is not the last part of `main`. */
  readonly name?: string;
  /** What `-ldflags` sets beside stripping: variable to value. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Oldest Go that fetches the tool chain which a module asks for. */
const leastGo = { major: 1, minor: 21 };

const remedy =
  "install Go 1.21 or later (Debian 12's own golang package is 1.19 and too old; take it from go.dev/dl or " +
  "bookworm-backports), or put ready-made binaries into a folder and name it in KUBEBUILDER_ASSETS";

async function checkGo(wanted: string): Promise<void> {
  const { code, stdout } = await run("go", ["version"]);
  if (code !== 0) throw new ClusterProblem(`${wanted} has to be built and there is no go on the PATH`, remedy);
  const [, major = 0, minor = 0] = (/go(\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
  if (major < leastGo.major || (major === leastGo.major && minor < leastGo.minor))
    throw new ClusterProblem(`${wanted} has to be built and this is ${stdout.trim()}`, remedy);
}

async function go(args: readonly string[], folder: string, onLine?: (line: string) => void): Promise<string> {
  const result = await run("go", args, { cwd: folder, env: { CGO_ENABLED: "0" }, ...(onLine ? { onLine } : {}) });
  if (result.code === 0) return result.stdout;
  const end = result.stderr.trim().split("\n").slice(-15).join("\n");
  throw new ClusterProblem(
    `go ${args.join(" ")} failed:\n${end}`,
    "see that go env GOPROXY names a module proxy that this machine reaches, and that the disk has 3 GB free",
  );
}

/**
 * The `go.mod` of a module that requires another. A module that keeps parts of itself in its own tree (Kubernetes:
 * `k8s.io/api => ./staging/…`) says so by replacements, which do not hold for others: each is replaced by its
 * published version, v0.N.M for v1.N.M.
 */
export function goMod(modFile: string, { module, version }: Pick<GoProgram, "module" | "version">): string {
  const language = /^go \S+$/m.exec(modFile)?.[0] ?? "go 1.24.0";
  const staged = [...modFile.matchAll(/^\s*(?:replace\s+)?(\S+) => \.\/staging\//gm)].map(([, name]) => name);
  const published = version.replace(/^v1\./, "v0.");
  const replacements = staged.map((name) => `replace ${name} => ${name} ${published}\n`).join("");
  return `module cluster\n\n${language}\n\nrequire ${module} ${version}\n\n${replacements}`;
}

async function prepareModule(folder: string, program: GoProgram): Promise<void> {
  writeFileSync(join(folder, "go.mod"), "module cluster\n");
  const found: unknown = JSON.parse(
    await go(["mod", "download", "-json", `${program.module}@${program.version}`], folder),
  );
  const { GoMod } = found as { readonly GoMod: string };
  writeFileSync(join(folder, "go.mod"), goMod(readFileSync(GoMod, "utf8"), program));
  // The import makes `-mod=mod` resolve what the program needs.
  writeFileSync(join(folder, "tools.go"), `//go:build tools\n\npackage cluster\n\nimport _ "${program.main}"\n`);
}

function linkerFlags(variables: Readonly<Record<string, string>> = {}): string {
  return ["-s", "-w", ...Object.entries(variables).flatMap(([name, value]) => ["-X", `${name}=${value}`])].join(" ");
}

/**
 * Builds a program into a folder, with a line of progress. Minutes when Go's own cache is cold. The file appears only
 * when it is whole.
 */
export async function buildProgram(program: GoProgram, folder: string): Promise<string> {
  const name = program.name ?? basename(program.main);
  await checkGo(`${name} ${program.version}`);
  const work = mkdtempSync(join(tmpdir(), "sallyport-build-"));
  const progress = showProgress(`building ${name} ${program.version} (once, kept in ${folder})`);
  try {
    await prepareModule(work, program);
    let packages = 0;
    const count = (line: string): void => {
      // `-v` names each package when it begins to compile it, and what is downloaded before.
      if (!line.startsWith("go: ")) packages += 1;
      progress.step(line.startsWith("go: ") ? line.slice(4) : `${packages} packages compiled`);
    };
    const made = join(work, name);
    const flags = ["-v", "-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(program.variables)];
    await go(["build", ...flags, "-o", made, program.main], work, count);
    mkdirSync(folder, { recursive: true });
    const part = join(folder, `.${name}.${process.pid}`);
    // The temporary folder may be on another file system, so go copies and only the last step is a rename.
    await run("cp", [made, part]);
    renameSync(part, join(folder, name));
    progress.done(`${packages} packages compiled`);
    return join(folder, name);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
