import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AgentControl } from "../../../datapath/agent/control.ts";
import { AgentProcess } from "../agent-process.ts";
import { EngineUnavailable } from "../ports.ts";
import { BpfFileSystem } from "./bpffs.ts";
import type { NetworkNamespace } from "./namespace.ts";

const object = fileURLToPath(new URL("../../../build/bpf/sallyport.bpf.o", import.meta.url));

/** The run's agent, and the file system that its programs and maps are pinned in. */
export class AgentKeeper {
  readonly #node: NetworkNamespace;
  readonly #clock: "standing" | "running";
  #tableSize: number;
  readonly #pins = new BpfFileSystem();
  #agent: AgentProcess;

  private constructor(node: NetworkNamespace, clock: "standing" | "running", tableSize: number) {
    this.#node = node;
    this.#clock = clock;
    this.#tableSize = tableSize;
    this.#agent = this.#spawn();
  }

  /** Resolves once the agent has loaded its programs. */
  static async start(node: NetworkNamespace, clock: "standing" | "running", tableSize: number): Promise<AgentKeeper> {
    if (!existsSync(object)) throw new EngineUnavailable(`there is no ${object}`, "build it: npm run setup");
    const keeper = new AgentKeeper(node, clock, tableSize);
    try {
      await keeper.control.verdicts();
      return keeper;
    } catch (error) {
      await keeper.stop();
      const message = error instanceof Error ? error.message : String(error);
      throw new EngineUnavailable(message, "see docs/development.md for what a machine needs", { cause: error });
    }
  }

  get tableSize(): number {
    return this.#tableSize;
  }

  get control(): AgentControl {
    return this.#agent.control;
  }

  get alive(): boolean {
    return this.#agent.alive;
  }

  get pid(): number | undefined {
    return this.#agent.pid;
  }

  /**
   * Kills the agent as a crash would, and starts another one over what is pinned. With another table size that one has
   * maps of another layout, and moves over what the former ones hold.
   */
  async restart(tableSize = this.#tableSize): Promise<void> {
    await this.#agent.kill();
    this.#tableSize = tableSize;
    this.#agent = this.#spawn();
    await this.#agent.control.verdicts();
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
    this.#pins.close();
  }

  #spawn(): AgentProcess {
    return new AgentProcess({
      netns: this.#node.path,
      bpffs: this.#pins.path,
      object,
      clock: this.#clock,
      tableSize: this.#tableSize,
    });
  }
}
