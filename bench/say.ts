/** Prints a figure beside its goal; no goal is an empty text, and always met. */
export function say(what: string, figure: string, goal = "", met = true): void {
  console.log(`${what.padEnd(58)} ${figure.padStart(14)}   ${goal.padEnd(14)}${met ? "" : " missed"}`.trimEnd());
}
