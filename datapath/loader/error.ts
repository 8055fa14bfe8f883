/** What to do about a failure, where its code alone says it. */
const remedies: Readonly<Record<string, string>> = {
  EPERM: "run as root (CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed)",
  EACCES: "run as root (CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed)",
  ENOSYS: "use a kernel with CONFIG_BPF_SYSCALL, 6.1 or later",
  ENOMEM: "free memory, or configure a smaller connection table",
};

/** A system call or library call that failed. Every error of the loader that the kernel or libbpf decided is one. */
export class BpfError extends Error {
  override readonly name = "BpfError";
  /** `EPERM`, `E2BIG`, … */
  readonly code: string;
  /** What was tried, in words: `update map connections`. */
  readonly operation: string;
  /** What libbpf and the kernel's verifier said, where an object was rejected. */
  readonly verifierLog?: string;

  constructor(operation: string, code: string, verifierLog?: string) {
    // A rejected program is no matter of rights, though the verifier says EACCES and EPERM.
    const remedy = verifierLog === undefined ? remedies[code] : undefined;
    const log = verifierLog === undefined ? "" : `\n${verifierLog.trimEnd()}`;
    super(`${operation}: ${code}${remedy === undefined ? "" : ` – ${remedy}`}${log}`);
    this.operation = operation;
    this.code = code;
    if (verifierLog !== undefined) {
      this.verifierLog = verifierLog;
    }
  }
}
