/** The sockets of one conversation. Each stage begins with a call and has ended well once its `done` says so. */
export interface Talk {
  connect(): Stage;
  exchange(): Stage;
  close(how: "fin" | "rst"): Stage;
  /** Keeps the stacks from sending for it between stages: no retransmission, no answer to a forged packet. */
  mute(muted: boolean): void;
  /** Ends it without a packet. */
  abandon(): void;
}

/** Looks at the sockets and does what is next; never waits. True: the stage has ended well. */
export type Stage = () => boolean;

/** What each side says in one round. */
export const message = new TextEncoder().encode("sallyprt");
