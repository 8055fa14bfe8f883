import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const machines: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

/** Compiles `bench.bpf.c` as datapath/bpf/Makefile compiles the datapath. Returns the object's path. */
export function compileBench(): string {
  const object = path("../build/bench/bench.bpf.o");
  mkdirSync(dirname(object), { recursive: true });
  const flags = ["--target=bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Werror"];
  const machine = ["-idirafter", `/usr/include/${machines[process.arch]}-linux-gnu`];
  execFileSync("clang-19", [...flags, ...machine, "-c", path("bench.bpf.c"), "-o", object], { stdio: "inherit" });
  return object;
}
