import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";

const machines: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
const warnings = ["-O2", "-g", "-Wall", "-Werror"];

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

function compile(source: string, output: string, flags: readonly string[]): string {
  const result = path(`../build/bench/${output}`);
  mkdirSync(dirname(result), { recursive: true });
  execFileSync("clang-19", [...flags, ...warnings, path(source), "-o", result], { stdio: "inherit" });
  return result;
}

/** Compiles a file of bench/ as datapath/bpf/Makefile compiles the datapath. Returns the object's path. */
export function compileObject(source: string): string {
  const machine = ["-idirafter", `/usr/include/${machines[process.arch]}-linux-gnu`];
  return compile(source, basename(source).replace(/c$/, "o"), ["--target=bpf", "-mcpu=v3", ...machine, "-c"]);
}

/** Compiles a C file of bench/ to a program. Returns its path. */
export function compileProgram(source: string): string {
  return compile(source, basename(source, ".c"), []);
}
