import { release } from "node:os";
import { EngineUnavailable } from "../ports.ts";

/** Oldest kernel that the datapath is tested on; before 6.6 it attaches at clsact. */
const floor = { major: 6, minor: 1 };

/** Throws `EngineUnavailable` where the engine can't run. */
export function checkAvailable(user = process.getuid?.(), kernel = release()): void {
  if (user !== 0) throw new EngineUnavailable("the kernel engine needs root", "run it as root, or use --engine model");
  const [major = 0, minor = 0] = kernel.split(".").map(Number);
  if (major < floor.major || (major === floor.major && minor < floor.minor))
    throw new EngineUnavailable(
      `the kernel engine needs Linux ${floor.major}.${floor.minor} or later, this is ${kernel}`,
      "boot a newer kernel, or use --engine model",
    );
}
