/** Ports of the pod under stress, by what the rules say of them. */
export const ports = {
  /** Permitted by the first rules alone; its open connection must live on, since it is tracked (S-54). */
  kept: 8001,
  /** Permitted by both. */
  open: 8002,
  /** Permitted by neither. */
  forbidden: 8003,
} as const;

/** What the asking side saw. */
export interface TrafficReport {
  /** Answers over the connection that is kept open. */
  readonly exchanges: number;
  readonly lost: number;
  /** New connections to the port that is always permitted. */
  readonly opened: number;
  readonly refused: number;
  /** Connections to the port that never is: none may come about. */
  readonly forbidden: number;
  readonly tried: number;
}
