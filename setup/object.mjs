import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { Problem } from "./problem.mjs";

/** The eBPF sources and their Makefile, from the root of the checkout. */
const sources = "datapath/bpf";

/** What the Makefile makes, and beside it the digest of the sources it was made from. */
const object = "build/bpf/sallyport.bpf.o";
const digestFile = `${object}.sources`;

/**
 * Whether the compiled object belongs to the sources as they are now. By content: a checkout gives files new dates.
 *
 * @param {string} root
 */
export function objectIsCurrent(root) {
  const digestPath = join(root, digestFile);
  return (
    existsSync(join(root, object)) && existsSync(digestPath) && readFileSync(digestPath, "utf8") === digestOf(root)
  );
}

/** @param {string} root */
export function buildObject(root) {
  mkdirSync(join(root, "build/bpf"), { recursive: true });
  const digest = digestOf(root);
  const result = run("make", ["--silent", "--always-make", "-C", sources], { cwd: root });
  if (!result.ok || !existsSync(join(root, object))) {
    throw new Problem(
      `the eBPF programs under ${sources} do not compile to ${object}:\n${result.output}`,
      "If you did not change them, this is a bug: report it with these lines and the output of clang-19 --version.",
    );
  }
  writeFileSync(join(root, digestFile), digest);
}

/**
 * Digest of the names and contents of the sources.
 *
 * @param {string} root
 */
export function digestOf(root) {
  const hash = createHash("sha256");
  for (const name of readdirSync(join(root, sources)).sort()) {
    if (/\.[ch]$/.test(name) || name === "Makefile") {
      hash
        .update(`${name}\0`)
        .update(readFileSync(join(root, sources, name)))
        .update("\0");
    }
  }
  return hash.digest("hex");
}
