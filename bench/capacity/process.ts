import { readFileSync } from "node:fs";

/** Ticks of a process's times a second: USER_HZ, which is 100 on every Linux. */
const userHz = 100;

/** Seconds of a core that a process has used. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Behind the name, which may hold spaces: state is field 3, utime 14, stime 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / userHz;
}

function statusMiB(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1024;
}

/** Mebibytes of memory that a process has resident. */
export function residentMiB(pid: number): number {
  return statusMiB(pid, "VmRSS");
}

/** Most mebibytes of memory that a process has ever had resident. */
export function peakMiB(pid: number): number {
  return statusMiB(pid, "VmHWM");
}
