/** One act of the story: what is about to be seen, and how many steps of the scenario it plays. */
export interface Act {
  readonly title: string;
  readonly text: readonly string[];
  readonly steps: number;
}

/** The acts in the order of `lab/scenarios/demo.yaml`'s steps. */
export const acts: readonly Act[] = [
  {
    title: "Tracked and untracked",
    text: [
      "The group `web` lets 203.0.113.1 log in on port 22 and everybody browse on port 80; out it lets all.",
      "As in EC2, port 80 is untracked: its rules name no one in particular either way, so nothing need be remembered.",
    ],
    steps: 5,
  },
  {
    title: "Both rules are removed",
    text: ["EC2 cuts an untracked flow the moment its rule goes. A tracked one lives until it falls idle."],
    steps: 4,
  },
  {
    title: "A noisy pod, and its neighbour",
    text: ["Both may have 100 connections, each for itself. One of them opens 300 more."],
    steps: 6,
  },
];
