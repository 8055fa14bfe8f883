import type { Conversation, ConversationOutcome, Machine } from "../ports.ts";
import type { Network } from "./network.ts";
import { waitFor } from "./patience.ts";
import { droppedPacket, firstPacket } from "./sightings.ts";
import type { Stage, Talk } from "./talk.ts";
import { TcpTalk } from "./tcp-talk.ts";
import { UdpTalk } from "./udp-talk.ts";
import type { VerdictLog } from "./verdict-log.ts";

/** In milliseconds; a SYN is sent again after a second, and nothing may be sent twice. */
const patience = 900;

interface Open {
  readonly conversation: Conversation;
  readonly talk: Talk;
}

/** Conversations between real sockets, kept open by their names. */
export class Conversations {
  readonly #network: Network;
  readonly #log: VerdictLog;
  readonly #open = new Map<string, Open>();

  constructor(network: Network, log: VerdictLog) {
    this.#network = network;
    this.#log = log;
  }

  async connect(conversation: Conversation): Promise<ConversationOutcome> {
    this.#abandon(conversation.name);
    const [client, server] = [conversation.from, conversation.to].map((machine) => this.#network.namespaceOf(machine));
    if (client === undefined || server === undefined) throw new Error("a conversation has two ends");
    const open: Open = {
      conversation,
      talk:
        conversation.protocol === 6
          ? new TcpTalk(conversation, client, server)
          : new UdpTalk(conversation, client, server),
    };
    this.#open.set(conversation.name, open);
    const outcome = await this.#play(open, (talk) => talk.connect());
    // A UDP socket is none the worse for a request that was lost.
    if (!outcome.succeeded && conversation.protocol === 6) this.#abandon(conversation.name);
    return outcome;
  }

  async exchange(name: string): Promise<ConversationOutcome> {
    const open = this.#open.get(name);
    return open === undefined ? { succeeded: false, sightings: [] } : this.#play(open, (talk) => talk.exchange());
  }

  async close(name: string, how: "fin" | "rst"): Promise<void> {
    const open = this.#open.get(name);
    if (open !== undefined) await this.#play(open, (talk) => talk.close(how));
    this.#abandon(name);
  }

  /** Ends what a machine takes part in, without a packet. */
  abandonThoseOf(machine: Machine): void {
    for (const [name, { conversation }] of this.#open)
      if (conversation.from === machine || conversation.to === machine) this.#abandon(name);
  }

  abandonAll(): void {
    for (const name of this.#open.keys()) this.#abandon(name);
  }

  #abandon(name: string): void {
    this.#open.get(name)?.talk.abandon();
    this.#open.delete(name);
  }

  /** Plays one stage until it has ended well or one of its packets was dropped. */
  async #play({ conversation, talk }: Open, begin: (talk: Talk) => Stage): Promise<ConversationOutcome> {
    await this.#log.begin();
    talk.mute(false);
    try {
      const done = guarded(begin(talk));
      await waitFor(async () => {
        done.look();
        const records = await this.#log.update();
        return done.succeeded || records.some(({ pass }) => !pass);
      }, patience);
      // What was dropped may have been of no consequence, or the last look came before the last packet.
      done.look();
      const records = await this.#log.update();
      return done.succeeded
        ? { succeeded: true, sightings: firstPacket(records, conversation) }
        : { succeeded: false, sightings: droppedPacket(records, conversation) };
    } finally {
      talk.mute(true);
    }
  }
}

/** A stage that a socket's error (a RST, say) ends without success. */
function guarded(stage: Stage): { look(): void; readonly succeeded: boolean } {
  let succeeded = false;
  let failed = false;
  return {
    look() {
      if (succeeded || failed) return;
      try {
        succeeded = stage();
      } catch {
        failed = true;
      }
    },
    get succeeded() {
      return succeeded;
    },
  };
}
