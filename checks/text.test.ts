import assert from "node:assert/strict";
import { test } from "node:test";
import { occurrences, projectFiles } from "./project-files.ts";

/** Licence texts are others' words, the lock file npm's. */
const written = projectFiles(/^(?!LICENSE|package-lock\.json)/);

/** Hosts of pages that the project's text may point to. Anything else may be a registry, a mirror or a private host. */
const citable =
  /^(docs\.aws\.amazon\.com|github\.com|kubernetes\.io|www\.kernel\.org|docs\.kernel\.org|www\.rfc-editor\.org|biomejs\.dev|nodejs\.org|(www\.)?apache\.org)$/;

test("no file names a host but those of public references", () => {
  const named = written.flatMap(({ path, text }) =>
    [...text.matchAll(/https?:\/\/([a-z0-9.-]*[a-z0-9])/gi)].map(([, host = ""]) => ({ path, host })),
  );
  // Addresses and one-word names are of the lab's own namespaces.
  const foreign = named.filter(({ host }) => /\.[a-z]+$/i.test(host) && !citable.test(host));
  assert.deepEqual(foreign, []);
  assert.deepEqual(occurrences(written, /\b(registry|mirror|mirrors|proxy|deb)\.[a-z0-9-]+\.[a-z]{2,}\b/), []);
});

test("the lock file names no registry and every package has its hash", () => {
  const lock: { packages: Record<string, { resolved?: string; integrity?: string }> } = JSON.parse(
    projectFiles(/^package-lock\.json$/)[0]?.text ?? "{}",
  );
  const faulty = Object.entries(lock.packages)
    .filter(([path, entry]) => path !== "" && (entry.resolved !== undefined || entry.integrity === undefined))
    .map(([path]) => path);
  assert.deepEqual(faulty, []);
});

test("every dependency is pinned to one version", () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
    projectFiles(/^package\.json$/)[0]?.text ?? "{}",
  );
  const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
  assert.deepEqual(
    versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version))),
    [],
  );
});

test("no file names a path of somebody's machine", () => {
  assert.deepEqual(occurrences(written, /(?:^|[\s"'`(=:])\/(?:root|work|home|Users)\/\S*/), []);
});

test("no source file is longer than a person reads in one go", () => {
  // Generated files say so in their first lines; nobody reads them from end to end.
  const isGenerated = (text: string): boolean => /do not edit/i.test(text.slice(0, 400));
  const tooLong = projectFiles(/\.(ts|mjs|c|h)$/)
    .filter(({ path, text }) => !isGenerated(text) && text.split("\n").length - 1 > (/\.[ch]$/.test(path) ? 350 : 300))
    .map(({ path }) => path);
  assert.deepEqual(tooLong, []);
});
