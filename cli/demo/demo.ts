import { fileURLToPath } from "node:url";
import { createRegistry, type PodMetrics } from "../../datapath/agent/observe/exposition.ts";
import { KernelEngine } from "../../lab/engine/kernel.ts";
import { judgeStep } from "../../lab/scenario/judge.ts";
import { loadScenarios } from "../../lab/scenario/load.ts";
import { Play } from "../../lab/scenario/play.ts";
import { printProblems } from "../../lab/scenario/print.ts";
import type { Scenario } from "../../lab/scenario/scenario.ts";
import { World } from "../../lab/scenario/world.ts";
import { CommandError, exitCodes } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import { acts } from "./acts.ts";
import { serveMetrics } from "./metrics-server.ts";
import { Narrator } from "./narrator.ts";

const story = fileURLToPath(new URL("../../lab/scenarios/demo.yaml", import.meta.url));

/** The series that the last act shows; the others of a scrape are as many again for each pod. */
const shownSeries = /^sallyport_(conntrack_entries|conntrack_allowance_\w+)\{/;

async function readStory(): Promise<Scenario> {
  const { scenarios, problems } = await loadScenarios([story]);
  const [scenario] = scenarios;
  if (scenario === undefined) throw new CommandError(printProblems(problems), exitCodes.unusable);
  return scenario;
}

/** Plays the acts; returns how many steps did not go as told. */
async function playActs(scenario: Scenario, play: Play, world: World, narrator: Narrator): Promise<number> {
  let failures = 0;
  let next = 0;
  for (const [index, act] of acts.entries()) {
    narrator.act(index + 1, act);
    for (const step of scenario.steps.slice(next, next + act.steps)) {
      const happening = await play.step(step);
      const failure = judgeStep(scenario, step, happening, world);
      await narrator.step(step, happening, failure === undefined);
      if (failure === undefined) continue;
      failures += 1;
      narrator.failure([`expected ${failure.expected}`, `happened ${failure.happened}`, ...failure.why]);
    }
    next += act.steps;
  }
  if (next !== scenario.steps.length)
    throw new Error(`${story} has ${scenario.steps.length} steps, the acts tell ${next}`);
  return failures;
}

/** Serves the counters and scrapes them, as Prometheus would; returns how many of them are not what the kernel counted. */
async function showMetrics(world: World, engine: KernelEngine, narrator: Narrator): Promise<number> {
  const read = async (): Promise<PodMetrics[]> =>
    Promise.all(
      world
        .pods()
        .map(async (pod) => ({ namespace: "default", pod: pod.name, metrics: await engine.endpointMetrics(pod) })),
    );
  const server = await serveMetrics(createRegistry(read));
  try {
    narrator.act(acts.length + 1, { title: "What Prometheus sees", text: [`GET ${server.url}`], steps: 0 });
    const lines = (await (await fetch(server.url)).text()).split("\n");
    narrator.quote(lines.filter((line) => shownSeries.test(line)));
    const expected = (await read()).map(
      ({ pod, metrics }) =>
        `sallyport_conntrack_allowance_exceeded_total{namespace="default",pod="${pod}"} ${metrics.conntrack_allowance_exceeded}`,
    );
    const missing = expected.filter((line) => !lines.includes(line));
    narrator.failure(missing.map((line) => `the scrape lacks ${line}`));
    return missing.length;
  } finally {
    await server.close();
  }
}

/** `sallyport demo`: the seed story, with real connections; exits 1 when anything does not happen as told. */
export async function demo(terminal: Terminal): Promise<number> {
  const scenario = await readStory();
  const narrator = new Narrator(terminal);
  const engine = new KernelEngine({ clock: "running" });
  const stopListening = terminal.onInterrupt(() => void engine.stop());
  try {
    narrator.title("Sallyport: EC2 security groups, here between network namespaces and in this machine's own kernel.");
    narrator.aside(
      `${scenario.pods.length} pods and ${scenario.hosts.length} machines outside; each connection below is a real one.`,
    );
    const world = new World(scenario);
    const play = new Play(engine, world);
    await play.setUp(scenario);
    narrator.ruleSets((await world.compile()).ruleSets);
    const failures = (await playActs(scenario, play, world, narrator)) + (await showMetrics(world, engine, narrator));
    terminal.out("\n");
    narrator.title(
      failures === 0
        ? "All of it happened as told. Your own groups: sallyport lab test FILE, or sallyport lab up FILE to play with."
        : `${failures} things did not happen as told.`,
    );
    return failures === 0 ? exitCodes.success : exitCodes.failure;
  } finally {
    await engine.stop();
    stopListening();
  }
}
