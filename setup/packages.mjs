import { existsSync, readdirSync } from "node:fs";
import { arch } from "node:os";
import { run } from "./command.mjs";
import { Problem } from "./problem.mjs";

/**
 * Debian packages that the product and its tests use. A major version is pinned by the package's name where the
 * name carries one; docs/decisions says why not more.
 */
const needed = [
  "bpftool",
  "clang-19",
  "iproute2",
  "libbpf-dev",
  "libbpf1",
  "linux-libc-dev",
  "llvm-19",
  "make",
  "nftables",
  "procps",
  "util-linux",
];

/** What the checks of `.ci/run` need beside that. */
const neededForChecks = ["clang-format-19", "git", "libclang-rt-19-dev"];

/** What `npm run e2e` needs beside that. etcd is not among them: its package would start a daemon. */
const neededForEndToEnd = ["openssl"];

/** What `npm run kernels` needs beside that. */
const neededForKernels = [arch() === "arm64" ? "qemu-system-arm" : "qemu-system-x86", "busybox-static", "xz-utils"];

/** One line per package. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: they are dpkg-query's placeholders, not ours
const listingFormat = "${Package} ${db:Status-Status}\n";

const environment = { DEBIAN_FRONTEND: "noninteractive" };

/**
 * The Debian packages that are not installed.
 *
 * @param {{ checks?: boolean, endToEnd?: boolean, kernels?: boolean }} [purposes] also those of `.ci/run`, of
 *   `npm run e2e`, and of `npm run kernels`
 */
export function missingPackages({ checks = false, endToEnd = false, kernels = false } = {}) {
  const wanted = [
    ...needed,
    ...(checks ? neededForChecks : []),
    ...(endToEnd ? neededForEndToEnd : []),
    ...(kernels ? neededForKernels : []),
  ];
  // dpkg-query fails when it knows one of the names not at all, and still lists the others.
  const listing = run("dpkg-query", ["-W", "-f", listingFormat, ...wanted]).stdout;
  const installed = new Set(
    listing
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ", 1)[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/**
 * Installs them; asks the mirror for its lists first where there are none, or when the known ones don't serve.
 *
 * @param {readonly string[]} names
 */
export function installPackages(names) {
  if (!hasLists()) apt(["update"]);
  const install = ["install", "--yes", "--no-install-recommends", ...names];
  if (apt(install).ok) return;
  apt(["update"]);
  const again = apt(install);
  if (again.ok) return;
  throw new Problem(
    `apt-get could not install ${names.join(", ")}:\n${again.output}`,
    `Give the machine access to a Debian mirror, or install them by hand: apt-get install ${names.join(" ")}`,
  );
}

function hasLists() {
  const folder = "/var/lib/apt/lists";
  return existsSync(folder) && readdirSync(folder).some((name) => /_Packages(\.\w+)?$/.test(name));
}

/** @param {readonly string[]} args */
function apt(args) {
  // Another apt-get may be at work on a fresh machine (unattended upgrades): wait for its lock, in seconds.
  return run("apt-get", ["--quiet", "-o", "DPkg::Lock::Timeout=300", ...args], { env: environment });
}
