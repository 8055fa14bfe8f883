import { setTimeout as sleep } from "node:timers/promises";

/** Looks that are made one after another before pauses come between them. */
const eagerLooks = 20;

/** Asks until `look` says true or the time is over, in milliseconds; returns its last answer. */
export async function waitFor(look: () => Promise<boolean>, patience: number): Promise<boolean> {
  const deadline = performance.now() + patience;
  for (let looks = 1; ; looks++) {
    if (await look()) return true;
    if (performance.now() >= deadline) return false;
    if (looks > eagerLooks) await sleep(1);
  }
}
