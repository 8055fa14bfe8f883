import { readFileSync } from "node:fs";
import { posix } from "node:path";

const directory = 0o040755;
const file = 0o100000;
/** Sizes and offsets are rounded up to this many bytes. */
const alignment = 4;
const trailer = "TRAILER!!!";

function padding(length: number): Buffer {
  return Buffer.alloc((alignment - (length % alignment)) % alignment);
}

/**
 * An archive in cpio's "newc" format, as the kernel unpacks it into its first file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Archives may stand one behind another.
 */
export class CpioArchive {
  readonly #chunks: Buffer[] = [];
  readonly #folders = new Set<string>();
  #inode = 0;

  /** Adds a folder, and those that it lies in. */
  addFolder(path: string): void {
    if (path === "." || path === "/" || this.#folders.has(path)) return;
    this.addFolder(posix.dirname(path));
    this.#folders.add(path);
    this.#add(path, directory, Buffer.alloc(0));
  }

  /** Adds a file with these bytes, and the folders that it lies in. `path` is absolute. */
  addFile(path: string, content: Buffer, executable = false): void {
    this.addFolder(posix.dirname(path));
    this.#add(path, file | (executable ? 0o755 : 0o644), content);
  }

  /** Adds a copy of one of this machine's files, links followed. */
  copy(from: string, to: string, executable = false): void {
    this.addFile(to, readFileSync(from), executable);
  }

  /** The archive's bytes. Nothing can be added any more. */
  end(): Buffer {
    this.#add(trailer, 0, Buffer.alloc(0));
    return Buffer.concat(this.#chunks);
  }

  #add(path: string, mode: number, content: Buffer): void {
    const name = Buffer.from(`${path.replace(/^\//, "")}\0`);
    this.#inode += 1;
    const fields = [this.#inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
    const numbers = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
    const header = Buffer.concat([Buffer.from(`070701${numbers}`), name]);
    this.#chunks.push(header, padding(header.length), content, padding(content.length));
  }
}
