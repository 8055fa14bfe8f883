import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("ebpf-go/", import.meta.url));

function go(...args: readonly string[]): void {
  const { error, status, stdout, stderr } = spawnSync("go", args, { cwd: folder, encoding: "utf8" });
  assert.equal(error, undefined, "there is no go on the PATH: install Go 1.24 or later for this check");
  assert.equal(status, 0, `go ${args.join(" ")}:\n${stdout}${stderr}`);
}

test("the object loads, is configured, pinned and attached with the Go library of Cilium's", () => {
  go("vet", "./...");
  go("test", "-count=1", "./...");
});
