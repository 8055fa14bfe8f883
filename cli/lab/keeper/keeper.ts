import type { EndpointStatus } from "../../../datapath/agent/control.ts";
import { KernelEngine } from "../../../lab/engine/kernel.ts";
import { Play } from "../../../lab/scenario/play.ts";
import type { Scenario } from "../../../lab/scenario/scenario.ts";
import { World } from "../../../lab/scenario/world.ts";
import type { Answers, LabStatus, PodConnections, Request } from "./protocol.ts";

/** Owns a lab that is up: its node, machines, operator and agent; answers what commands ask. */
export class Keeper {
  readonly #scenario: Scenario;
  readonly #engine: KernelEngine;
  readonly #world: World;
  #statuses: readonly EndpointStatus[] = [];

  private constructor(scenario: Scenario, engine: KernelEngine, world: World) {
    this.#scenario = scenario;
    this.#engine = engine;
    this.#world = world;
  }

  /** Brings up the machines and resources of a scenario; its steps are not run. The clock runs. */
  static async start(scenario: Scenario): Promise<Keeper> {
    const engine = new KernelEngine({ clock: "running" });
    const keeper = new Keeper(scenario, engine, new World(scenario));
    try {
      await new Play(engine, keeper.#world).setUp(scenario);
      await keeper.#program();
      return keeper;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  async answer(request: Request): Promise<Answers[Request["method"]]> {
    switch (request.method) {
      case "status":
        return this.#status();
      case "apply":
        await this.#world.applySources(request.manifests);
        return this.#program();
      case "conntrack":
        return this.#connections(request.pod);
      case "netns":
        return this.#engine.netns(this.#world.find(request.machine));
      case "down":
        return null;
    }
  }

  async stop(): Promise<void> {
    await this.#engine.end();
    await this.#engine.stop();
  }

  async #program(): Promise<readonly EndpointStatus[]> {
    this.#statuses = await this.#engine.program(await this.#world.compile(), this.#world.endpoints());
    await this.#world.report(this.#statuses);
    return this.#statuses;
  }

  async #status(): Promise<LabStatus> {
    const pods = await Promise.all(
      this.#world.pods().map(async (machine) => {
        const status = this.#statuses.find((candidate) => candidate.uid === machine.uid);
        return {
          name: machine.name,
          addresses: machine.addresses,
          state: status?.state ?? "NotProgrammed",
          ...(status?.message === undefined ? {} : { message: status.message }),
          metrics: await this.#engine.metrics(machine),
        };
      }),
    );
    return { scenario: this.#scenario.name, pid: process.pid, pods, hosts: this.#world.hosts() };
  }

  async #connections(name: string | undefined): Promise<readonly PodConnections[]> {
    const pods = name === undefined ? this.#world.pods() : [this.#world.find(name)];
    return Promise.all(pods.map(async (pod) => ({ pod: pod.name, rows: await this.#engine.connections(pod) })));
  }
}
