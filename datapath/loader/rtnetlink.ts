import { BpfError } from "./error.ts";
import { check, closeFile, declare, errorName } from "./libc.ts";

type Integer = number | bigint;

const makeSocket = declare<(domain: number, type: number, protocol: number) => number>(
  "int socket(int domain, int type, int protocol)",
);
const send = declare<(fd: number, data: Uint8Array, size: number, flags: number) => Integer>(
  "long send(int fd, const uint8_t *data, size_t size, int flags)",
);
const receive = declare<(fd: number, into: Uint8Array, size: number, flags: number) => Integer>(
  "long recv(int fd, _Out_ uint8_t *into, size_t size, int flags)",
);

/** What can be listed: the request's type, and bytes of the header that stands before the attributes. */
const lists = {
  /** RTM_GETLINK, `struct ifinfomsg`. */
  links: { request: 18, header: 16 },
  /** RTM_GETROUTE, `struct rtmsg`. */
  routes: { request: 26, header: 12 },
  /** RTM_GETQDISC, `struct tcmsg`. */
  qdiscs: { request: 38, header: 20 },
} as const;

const netlinkFamily = 16;
/** SOCK_RAW | SOCK_CLOEXEC. */
const rawSocket = 3 | 0o2000000;
/** NLM_F_REQUEST | NLM_F_DUMP. */
const dump = 0x301;
const messageHeader = 16;
const attributeHeader = 4;
/** NLMSG_ERROR, NLMSG_DONE. */
const types = { error: 2, done: 3 } as const;
/** The kernel puts no more into one answer to a reader that offers so much. */
const answerSize = 1 << 16;
/** NLA_TYPE_MASK. */
const attributeTypes = 0x3fff;

const align = (length: number): number => (length + 3) & ~3;

/** One object of the kernel's answer; numbers are in the machine's byte order. */
export interface NetlinkObject {
  readonly header: DataView;
  /** By attribute type. */
  readonly attributes: ReadonlyMap<number, DataView>;
}

function slice(view: DataView, start: number, end = view.byteLength): DataView {
  return new DataView(view.buffer, view.byteOffset + start, end - start);
}

/** Splits what is made of parts that begin with a header that has their length: messages, attributes, next hops. */
export function* partsOf(view: DataView, lengthOf: (view: DataView) => number, header: number): Iterable<DataView> {
  for (let rest = view; rest.byteLength >= header; ) {
    const length = lengthOf(rest);
    if (length < header || length > rest.byteLength) return;
    yield slice(rest, 0, length);
    rest = slice(rest, Math.min(align(length), rest.byteLength));
  }
}

function objectOf(message: DataView, header: number): NetlinkObject {
  const attributes = new Map<number, DataView>();
  const body = slice(message, messageHeader + header);
  for (const part of partsOf(body, (view) => view.getUint16(0, true), attributeHeader))
    attributes.set(part.getUint16(2, true) & attributeTypes, slice(part, attributeHeader));
  return { header: slice(message, messageHeader, messageHeader + header), attributes };
}

/**
 * Lists the interfaces, routes of both families, or qdiscs of the caller's network namespace (rtnetlink(7)). Failures
 * are `BpfError`.
 */
export function listNetwork(what: keyof typeof lists): readonly NetlinkObject[] {
  const { request, header } = lists[what];
  const fd = check("make a netlink socket", makeSocket(netlinkFamily, rawSocket, 0));
  try {
    const message = new Uint8Array(messageHeader + header);
    const view = new DataView(message.buffer);
    view.setUint32(0, message.length, true);
    view.setUint16(4, request, true);
    view.setUint16(6, dump, true);
    check(`ask for ${what}`, send(fd, message, message.length, 0));
    const objects: NetlinkObject[] = [];
    for (;;) {
      const answer = new Uint8Array(answerSize);
      const length = check(`read ${what}`, receive(fd, answer, answer.length, 0));
      const messages = new DataView(answer.buffer, 0, length);
      for (const part of partsOf(messages, (each) => each.getUint32(0, true), messageHeader)) {
        const type = part.getUint16(4, true);
        if (type === types.done) return objects;
        if (type === types.error) throw new BpfError(`list ${what}`, errorName(-part.getInt32(messageHeader, true)));
        objects.push(objectOf(part, header));
      }
    }
  } finally {
    closeFile(fd);
  }
}
