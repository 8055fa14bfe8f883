import { styleText } from "node:util";
import { describeRow } from "../../lab/scenario/check.ts";
import { describeAction } from "../../lab/scenario/describe.ts";
import { describePeer, describeService } from "../../lab/scenario/fit.ts";
import type { Happening } from "../../lab/scenario/happening.ts";
import type { Step } from "../../lab/scenario/scenario.ts";
import type { RuleSet } from "../../semantics/policy.ts";
import type { Terminal } from "../terminal.ts";
import type { Act } from "./acts.ts";

/** A reader's pause between two lines, in milliseconds; nobody reads a pipe. */
const pause = 350;

type Style = Parameters<typeof styleText>[0];

/** Tells the story; every line about a step is made of what came of it. */
export class Narrator {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  title(text: string): void {
    this.#line(this.#paint("bold", text));
  }

  aside(text: string): void {
    this.#line(this.#paint("dim", `  ${text}`));
  }

  act(number: number, { title, text }: Act): void {
    this.#line("");
    this.title(`${number}. ${title}`);
    for (const line of text) this.aside(line);
    this.#line("");
  }

  /** One step: what was done, and what happened. */
  async step(step: Step, happening: Happening, held: boolean): Promise<void> {
    const mark = held ? this.#paint("green", "✓") : this.#paint("red", "✗");
    this.#line(`  ${mark} ${describeAction(step.action)}`);
    for (const line of this.#results(happening)) this.#line(`      ${line}`);
    if (this.#terminal.colours) await new Promise((resolve) => setTimeout(resolve, pause));
  }

  /** The rules that are in force, as the operator compiled them for the node. */
  ruleSets(ruleSets: readonly RuleSet[]): void {
    for (const { groups, rules } of ruleSets) {
      this.#line("");
      this.title(`  SecurityGroup ${groups.join(" + ")}`);
      for (const { direction, service, peer } of rules) {
        const way = direction === "ingress" ? "from" : "to  ";
        const cells = [direction.padEnd(7), describeService(service).padEnd(7), way, describePeer(peer)];
        this.#line(`    ${this.#paint("cyan", cells.join("  "))}`);
      }
    }
  }

  failure(lines: readonly string[]): void {
    for (const line of lines) this.#line(this.#paint("red", `      ${line}`));
  }

  /** Text as it was read, such as a scrape. */
  quote(lines: readonly string[]): void {
    for (const line of lines) this.#line(`    ${this.#paint("cyan", line)}`);
  }

  #results(happening: Happening): readonly string[] {
    switch (happening.kind) {
      case "none":
        return [];
      case "outcome": {
        const { word, result, verdict } = happening.outcome;
        const count = typeof result === "number" ? `${result} ${word}` : result ? word : `not ${word}`;
        if (verdict === undefined) return [count];
        const colour = verdict.pass ? "green" : "yellow";
        return [
          `${this.#paint(colour, count)}  ${this.#paint("dim", `tracking ${verdict.tracking}, reason ${verdict.reason}`)}`,
        ];
      }
      case "pod": {
        const { conntrack_used, conntrack_max, conntrack_allowance_exceeded } = happening.metrics;
        const few =
          happening.rows.length <= 3 ? happening.rows.map((row) => this.#paint("cyan", describeRow(row))) : [];
        const counters = `${conntrack_used} of ${conntrack_max} connections, ${conntrack_allowance_exceeded} packets over the allowance`;
        return [counters, ...few];
      }
    }
  }

  #paint(style: Style, text: string): string {
    return this.#terminal.colours ? styleText(style, text, { validateStream: false }) : text;
  }

  #line(text: string): void {
    this.#terminal.out(`${text}\n`);
  }
}
