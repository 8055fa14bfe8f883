/** Sum of big-endian 16-bit words, an odd last byte padded with zero; not folded. */
function sumWords(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return bytes.length % 2 === 0 ? sum : sum + ((bytes[bytes.length - 1] ?? 0) << 8);
}

/** The internet checksum (RFC 1071) over parts, each of which begins at an even offset. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = parts.reduce((total, part) => total + sumWords(part), 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}
