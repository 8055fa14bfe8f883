import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { BpfError } from "./error.ts";
import { openBpf } from "./open.ts";
import type { LoadedObject, LoadOptions } from "./ports.ts";
import { withObject } from "./test/object.ts";
import { enterSandbox, sandboxBpffs } from "./test/sandbox.ts";

enterSandbox();
const bpf = openBpf();
const datapath = fileURLToPath(new URL("../../build/bpf/sallyport.bpf.o", import.meta.url));

/** Loads an object for the time of `body`, with a pin folder of its own. */
function withLoaded<T>(options: Partial<LoadOptions> & { object: string }, body: (object: LoadedObject) => T): T {
  const object = bpf.load({ pinRoot: sandboxBpffs, constants: {}, mapSizes: {}, ...options });
  try {
    return body(object);
  } finally {
    object.close();
  }
}

const constantsProgram = `
const volatile __u32 chosen = 1;
const volatile __u8 small = 2;
const volatile __u64 large = 3;
SEC("tc") int tell_chosen(struct __sk_buff *skb) { return chosen; }
SEC("tc") int tell_small(struct __sk_buff *skb) { return small; }
SEC("tc") int tell_large(struct __sk_buff *skb) { return large >> 32; }
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");
SEC("tc") int tell_number(struct __sk_buff *skb)
{
	__u32 key = 5, *value = bpf_map_lookup_elem(&numbers, &key);
	return value ? *value : -1;
}
SEC("tc") int tell_length(struct __sk_buff *skb) { return skb->len; }
SEC("tc") int tell_interface(struct __sk_buff *skb) { return skb->ifindex * 1000 + skb->ingress_ifindex; }
SEC("syscall") int double_it(__u32 *context) { *context *= 2; return 9; }
`;

const frame = new Uint8Array(64);

function returned(object: LoadedObject, program: string, input = {}): number | undefined {
  return object.programs.get(program)?.testRun({ data: frame, ...input }).returnValue;
}

test("constants take new values of every width, and keep the object's where none is given", () => {
  withObject(constantsProgram, (object) => {
    withLoaded({ object }, (loaded) => {
      assert.deepEqual([returned(loaded, "tell_chosen"), returned(loaded, "tell_small")], [1, 2]);
    });
    withLoaded({ object, constants: { chosen: 41, small: 42, large: 43n << 32n } }, (loaded) => {
      const names = ["tell_chosen", "tell_small", "tell_large"];
      assert.deepEqual(
        names.map((name) => returned(loaded, name)),
        [41, 42, 43],
      );
    });
  });
});

test("a map gets the size that is asked for, and programs see what is in it", () => {
  withObject(constantsProgram, (object) => {
    withLoaded({ object, mapSizes: { numbers: 99 } }, (loaded) => {
      const map = loaded.maps.get("numbers");
      assert.equal(map?.maxEntries, 99);
      assert.equal(returned(loaded, "tell_number"), -1);
      map?.update(Uint8Array.of(5, 0, 0, 0), Uint8Array.of(6, 0, 0, 0));
      assert.equal(returned(loaded, "tell_number"), 6);
    });
  });
});

test("a test run passes the packet and the interfaces, and repeats", () => {
  withObject(constantsProgram, (object) => {
    withLoaded({ object }, (loaded) => {
      for (const length of [60, 200, 1500]) {
        assert.equal(returned(loaded, "tell_length", { data: new Uint8Array(length) }), length);
      }
      assert.equal(returned(loaded, "tell_interface", { ifindex: 1, ingressIfindex: 7 }), 1007);
      const output = loaded.programs.get("tell_length")?.testRun({ data: frame, repeat: 1000 });
      assert.equal(output?.returnValue, 64);
      assert.equal(typeof output?.duration, "number");
    });
  });
});

test("a frame too short for an Ethernet header is refused by name", () => {
  withObject(constantsProgram, (object) => {
    withLoaded({ object }, (loaded) => {
      assert.throws(
        () => returned(loaded, "tell_length", { data: new Uint8Array(5) }),
        /run program tell_length: EINVAL/,
      );
    });
  });
});

test("a syscall program changes its argument in place", () => {
  withObject(constantsProgram, (object) => {
    withLoaded({ object }, (loaded) => {
      const context = Uint8Array.of(21, 0, 0, 0);
      assert.equal(loaded.programs.get("double_it")?.run(context), 9);
      assert.equal(context[0], 42);
    });
  });
});

test("constants and maps that the object does not have are named", () => {
  withObject(constantsProgram, (object) => {
    const refused = (options: Partial<LoadOptions>, message: RegExp) =>
      assert.throws(
        () => withLoaded({ object, ...options }, () => undefined),
        (error: unknown) => error instanceof BpfError && error.code === "ENOENT" && message.test(error.message),
      );
    refused({ constants: { chosenn: 1 } }, /chosenn/);
    refused({ mapSizes: { number: 1 } }, /test\.bpf\.o: it has no map number:/);
  });
  withObject('SEC("tc") int nothing(struct __sk_buff *skb) { return 0; }', (object) => {
    assert.throws(() => withLoaded({ object, constants: { any: 1 } }, () => undefined), /no \.rodata for any/);
  });
});

test("a rejected program comes with the verifier's reasons", () => {
  const reads = 'SEC("tc") int reads_wild(struct __sk_buff *skb) { return *(__u8 *)(long)skb->data; }';
  withObject(reads, (object) => {
    assert.throws(
      () => withLoaded({ object }, () => undefined),
      (error: unknown) => {
        assert.ok(error instanceof BpfError);
        assert.equal(error.code, "EACCES");
        assert.match(error.verifierLog ?? "", /invalid access to packet, off=0 size=1/);
        assert.match(error.message, /reads_wild/);
        assert.doesNotMatch(error.message, /run as root/);
        return true;
      },
    );
  });
});

test("one rejection's words are not in the next error", () => {
  const reads = 'SEC("tc") int reads_wild(struct __sk_buff *skb) { return *(__u8 *)(long)skb->data; }';
  withObject(reads, (object) => assert.throws(() => withLoaded({ object }, () => undefined)));
  assert.throws(
    () => withLoaded({ object: "/nonexistent.o" }, () => undefined),
    (error: unknown) =>
      error instanceof BpfError && error.code === "ENOENT" && !/invalid access/.test(error.verifierLog ?? ""),
  );
});

test("the datapath loads, and its pinned maps are those of the next load", () => {
  const pinRoot = join(sandboxBpffs, "maps");
  mkdirSync(pinRoot);
  const options = { object: datapath, pinRoot, mapSizes: { connections: 4096, endpoints: 64 } };
  const ids = () =>
    withLoaded(options, (loaded) => {
      assert.equal(loaded.maps.get("connections")?.maxEntries, 4096);
      return [...loaded.maps].filter(([name]) => name !== "sallypor.rodata").map(([name, { id }]) => `${name} ${id}`);
    });
  const first = ids();
  assert.ok(readdirSync(pinRoot).includes("connections"));
  const second = ids();
  const pinned = new Set(readdirSync(pinRoot));
  const kept = (list: readonly string[]) => list.filter((entry) => pinned.has(entry.split(" ")[0] ?? ""));
  assert.deepEqual(kept(second), kept(first));
  assert.equal(kept(first).length, pinned.size);
});

test("every descriptor of a loaded object is closed on exec, and all are closed with it", () => {
  const closeOnExec = 0o2000000;
  const flags = (fd: string) => {
    const [, octal = "0"] = /flags:\t(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")) ?? [];
    return Number.parseInt(octal, 8);
  };
  // The folder's own descriptor is in the list and gone when it is looked at.
  const open = () =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return flags(fd) >= 0;
      } catch {
        return false;
      }
    });
  withObject(constantsProgram, (object) => {
    const before = open();
    withLoaded({ object }, (loaded) => {
      const fresh = open().filter((fd) => !before.includes(fd));
      assert.ok(fresh.length > loaded.programs.size);
      assert.deepEqual(
        fresh.filter((fd) => (flags(fd) & closeOnExec) === 0),
        [],
      );
    });
    assert.deepEqual(open(), before);
  });
});
