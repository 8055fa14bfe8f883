import { existsSync, readFileSync } from "node:fs";
import { arch, platform, release } from "node:os";
import { run } from "./command.mjs";
import { Problem } from "./problem.mjs";

/** First kernel whose verifier takes the programs; Debian 12 has it. */
const kernelFloor = { major: 6, minor: 1 };

/**
 * What must hold before anything is installed; none of it can be mended from here.
 *
 * @param {number | undefined} [user] who runs this
 */
export function checkMachine(user = process.getuid?.()) {
  checkSystem();
  checkRoot(user);
  checkKernel();
}

/** What needs the installed packages to be asked: namespaces, veth pairs and `bpf(2)`. */
export function checkRights() {
  const veth = run("unshare", [
    "--net",
    "--mount",
    "ip",
    "link",
    "add",
    "name",
    "probe0",
    "type",
    "veth",
    "peer",
    "name",
    "probe1",
  ]);
  if (!veth.ok) {
    throw new Problem(
      `this machine can't make a network namespace with a veth pair: ${veth.output}`,
      "Run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN, on a kernel that has CONFIG_NET_NS and CONFIG_VETH " +
        "(modprobe veth). In a container: run it privileged.",
    );
  }
  const bpf = run("bpftool", ["map", "show"]);
  if (!bpf.ok) {
    throw new Problem(
      `bpf(2) is refused on this machine: ${bpf.output}`,
      "It needs CAP_BPF and CAP_SYS_ADMIN, no seccomp filter on bpf(2), and kernel lockdown off. In a container: " +
        "run it privileged; else use a virtual machine of your own.",
    );
  }
}

function checkSystem() {
  if (platform() !== "linux" || (arch() !== "x64" && arch() !== "arm64")) {
    throw new Problem(
      `this is ${platform()} on ${arch()}; the datapath runs on Linux, x86-64 or arm64`,
      "Use a Debian 12 machine or virtual machine of one of these kinds.",
    );
  }
  if (!isDebian()) {
    throw new Problem(
      "this is not Debian: the set-up installs its tools with apt-get, under Debian's package names",
      "Use a Debian 12 machine or virtual machine. docs/development.md lists the tools, should you want to port it.",
    );
  }
}

function isDebian() {
  if (!existsSync("/etc/os-release") || !existsSync("/usr/bin/dpkg-query")) return false;
  return /^ID(_LIKE)?=.*\bdebian\b/m.test(readFileSync("/etc/os-release", "utf8"));
}

/** @param {number | undefined} user */
function checkRoot(user) {
  if (user === 0) return;
  throw new Problem(
    "this needs root: it makes network namespaces and loads eBPF programs",
    "Become root (sudo -i), go to the checkout and give the same command again.",
  );
}

function checkKernel() {
  const [major = 0, minor = 0] = release().split(".", 2).map(Number);
  if (major < kernelFloor.major || (major === kernelFloor.major && minor < kernelFloor.minor)) {
    throw new Problem(
      `kernel ${release()} is too old for the programs; they need ${kernelFloor.major}.${kernelFloor.minor} or later`,
      "Install a newer one (Debian 12: apt-get install linux-image-amd64, or linux-image-arm64) and boot it.",
    );
  }
  if (!existsSync("/sys/kernel/btf/vmlinux")) {
    throw new Problem(
      "the kernel has no type information (/sys/kernel/btf/vmlinux)",
      "Boot a kernel with CONFIG_DEBUG_INFO_BTF=y (Debian's own have it) and see that /sys is mounted.",
    );
  }
}
