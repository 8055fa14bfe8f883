import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { KernelProblem } from "./problem.ts";

// One CPU: with several, the emulator of Debian 12 breaks V8's generated code now and then.

/** Memory of the guest in MiB: the unpacked files, Node, and the maps. */
const memory = 2048;

const emulators: Readonly<Record<string, { readonly command: string; readonly args: readonly string[] }>> = {
  x64: { command: "qemu-system-x86_64", args: ["-machine", "q35"] },
  arm64: { command: "qemu-system-aarch64", args: ["-machine", "virt"] },
};

const consoles: Readonly<Record<string, string>> = { x64: "ttyS0", arm64: "ttyAMA0" };

export interface BootOptions {
  readonly image: string;
  /** Archives of the guest's first file system. */
  readonly files: readonly Buffer[];
  /** Arguments of its first process. */
  readonly args: readonly string[];
  /** After so many seconds the guest is given up. */
  readonly patience: number;
  /** Takes each line that the guest prints. */
  readonly onLine: (line: string) => void;
}

/**
 * Boots a kernel in an emulator without acceleration (nested virtualisation is missing or broken on many machines) and
 * resolves when it has powered itself off.
 */
export async function boot({ image, files, args, patience, onLine }: BootOptions): Promise<void> {
  const emulator = emulators[arch()];
  if (emulator === undefined) throw new KernelProblem(`no emulator for ${arch()}`, "use x86-64 or arm64");
  const work = mkdtempSync(join(tmpdir(), "sallyport-kernel-"));
  try {
    const initrd = join(work, "initrd");
    writeFileSync(initrd, Buffer.concat(files));
    const parameters = [`console=${consoles[arch()]}`, "quiet", "panic=-1", "random.trust_cpu=on", "--", ...args];
    const child = spawn(
      emulator.command,
      [
        ...[...emulator.args, "-accel", "tcg", "-cpu", "max,pku=off", "-smp", "1", "-m", String(memory)],
        ...["-display", "none", "-nodefaults", "-no-reboot", "-serial", "stdio"],
        ...["-kernel", image, "-initrd", initrd, "-append", parameters.join(" ")],
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const failed = once(child, "error").then(([cause]) => {
      throw new KernelProblem(`${emulator.command} can't be run`, "install the Debian package qemu-system-x86", {
        cause,
      });
    });
    createInterface({ input: child.stdout }).on("line", (line) => onLine(line.replace(/\r$/, "")));
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, patience * 1000);
    try {
      await Promise.race([once(child, "close"), failed]);
    } finally {
      clearTimeout(timer);
    }
    if (late) throw new KernelProblem(`the guest was not done after ${patience} s`, "run it with fewer scenarios");
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
