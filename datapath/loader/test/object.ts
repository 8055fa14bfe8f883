import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const preamble = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "Dual BSD/GPL";
`;

/** Compiles C, behind the usual includes, to an object in a temporary folder that is gone when `body` returns. */
export function withObject<T>(source: string, body: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-loader-"));
  try {
    const code = join(folder, "test.bpf.c");
    const object = join(folder, "test.bpf.o");
    writeFileSync(code, preamble + source);
    const machine = { x64: "x86_64", arm64: "aarch64" }[process.arch as "x64" | "arm64"];
    execFileSync("clang-19", [
      ...["--target=bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Werror"],
      ...["-idirafter", `/usr/include/${machine}-linux-gnu`, "-c", code, "-o", object],
    ]);
    return body(object);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
