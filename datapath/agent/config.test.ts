import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "./config.ts";

test("nothing on the command line is a running agent in its own namespace", () => {
  const { clock, tableSize, endpointSlots, verdicts, netns } = readConfig([]);
  assert.deepEqual(
    { clock, tableSize, endpointSlots, verdicts, netns },
    { clock: "running", tableSize: 1_048_576, endpointSlots: 65_536, verdicts: false, netns: undefined },
  );
});

test("every flag is read", () => {
  const config = readConfig(
    "--netns /run/netns/n --bpffs /sys/fs/bpf/x --object a.o --clock standing --table-size 64 --endpoint-slots 16 --verdicts".split(
      " ",
    ),
  );
  assert.deepEqual(
    { ...config },
    {
      ...config,
      netns: "/run/netns/n",
      bpffs: "/sys/fs/bpf/x",
      object: "a.o",
      clock: "standing",
      tableSize: 64,
      endpointSlots: 16,
      verdicts: true,
    },
  );
});

for (const [args, message] of [
  [["--clock", "fast"], /--clock fast: give running or standing/],
  [["--table-size", "0"], /--table-size 0: give a whole number above zero/],
  [["--table-size", "many"], /--table-size many: give a whole number above zero/],
  [["--table-size", "1.5"], /--table-size 1\.5/],
  [["--endpoint-slots", "100"], /--endpoint-slots 100: give a power of two, at most 65536/],
  [["--endpoint-slots", "131072"], /--endpoint-slots 131072: give a power of two, at most 65536/],
  [["--colour", "red"], /--colour/],
  [["stray"], /stray/],
] as const) {
  test(`${args.join(" ")} is refused with flag, value and remedy`, () => {
    assert.throws(() => readConfig(args), message);
  });
}
