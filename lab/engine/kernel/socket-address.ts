import { addressBytes } from "../../../semantics/address.ts";
import type { Address, Family } from "../../../semantics/policy.ts";

/** Address families of the socket calls. */
export const domains = { 4: 2, 6: 10, packet: 17 } as const;

/** `sockaddr_in` or `sockaddr_in6`. */
export function internetAddress(address: Address, port: number): Uint8Array {
  const { family, bytes } = addressBytes(address);
  const socketAddress = new Uint8Array(family === 4 ? 16 : 28);
  const view = new DataView(socketAddress.buffer);
  view.setUint16(0, domains[family], true);
  view.setUint16(2, port);
  socketAddress.set(bytes, family === 4 ? 4 : 8);
  return socketAddress;
}

/** EtherTypes, and the one that means every frame. */
export const etherTypes: Readonly<Record<Family | "all", number>> = { 4: 0x0800, 6: 0x86dd, all: 3 };

/** `sockaddr_ll`: frames of one interface. */
export function interfaceAddress(ifindex: number, etherType: number): Uint8Array {
  const socketAddress = new Uint8Array(20);
  const view = new DataView(socketAddress.buffer);
  view.setUint16(0, domains.packet, true);
  view.setUint16(2, etherType);
  view.setInt32(4, ifindex, true);
  return socketAddress;
}
