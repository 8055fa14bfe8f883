import type { Family } from "../policy.ts";

/** What an ICMP or ICMPv6 message is to the contract. */
export type IcmpMessage = "echo-request" | "echo-reply" | "error" | "other";

interface IcmpNumbers {
  readonly echoRequest: number;
  readonly echoReply: number;
  /** S-34: unreachable, packet too big, time exceeded, parameter problem. */
  readonly errors: readonly number[];
}

/** Message types of RFC 792 and RFC 4443. In IPv4 "packet too big" is a code of "unreachable". */
const numbers: Readonly<Record<Family, IcmpNumbers>> = {
  4: { echoRequest: 8, echoReply: 0, errors: [3, 11, 12] },
  6: { echoRequest: 128, echoReply: 129, errors: [1, 2, 3, 4] },
};

/** Names a message. An echo with a code other than 0 is no echo: RFC 792 and RFC 4443 know only that one. */
export function icmpMessage(family: Family, type: number, code: number): IcmpMessage {
  const { echoRequest, echoReply, errors } = numbers[family];
  if (errors.includes(type)) return "error";
  if (code !== 0) return "other";
  if (type === echoRequest) return "echo-request";
  return type === echoReply ? "echo-reply" : "other";
}
