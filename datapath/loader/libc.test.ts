import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { test } from "node:test";
import { BpfError } from "./error.ts";
import { enterNetworkNamespace, errorName, gracePeriod, measureHz, pageSize, waitForGracePeriod } from "./libc.ts";
import { enterSandbox } from "./test/sandbox.ts";

enterSandbox();

test("errors have the names that programmers know", () => {
  assert.deepEqual([1, 2, 11, 17, 28, 524, 4003].map(errorName), [
    ...["EPERM", "ENOENT", "EAGAIN", "EEXIST", "ENOSPC", "ENOTSUPP", "errno 4003"],
  ]);
});

test("an error names operation, code and remedy", () => {
  assert.equal(
    new BpfError("make map x", "ENOMEM").message,
    "make map x: ENOMEM – free memory, or configure a smaller connection table",
  );
  assert.equal(new BpfError("make map x", "E2BIG").message, "make map x: E2BIG");
});

test("HZ is one of those that kernels are built with, and a page at least 4 KiB", () => {
  assert.ok([100, 250, 300, 1000].includes(measureHz()), `${measureHz()}`);
  assert.ok(pageSize() >= 4096 && Number.isInteger(Math.log2(pageSize())));
});

test("a grace period ends, waited for here or on another thread", async () => {
  assert.doesNotThrow(waitForGracePeriod);
  await assert.doesNotReject(gracePeriod());
});

test("the thread moves into the namespace at a path, and a path that is none is named", async () => {
  const other = spawn("unshare", ["--net", "sh", "-c", "echo ready; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await once(other.stdout, "data");
    const there = `/proc/${other.pid}/ns/net`;
    const own = readlinkSync("/proc/thread-self/ns/net");
    assert.notEqual(readlinkSync(there), own);
    enterNetworkNamespace(there);
    assert.equal(readlinkSync("/proc/thread-self/ns/net"), readlinkSync(there));
  } finally {
    other.stdin.end();
    await once(other, "close");
  }
  assert.throws(() => enterNetworkNamespace("/nonexistent"), /open \/nonexistent: ENOENT/);
  assert.throws(() => enterNetworkNamespace("/proc/self/ns/mnt"), /enter the network namespace .*: EINVAL/);
});
