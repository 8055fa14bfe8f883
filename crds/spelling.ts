/** Edits (insert, delete, replace, swap of neighbours) from one word to the other. */
function distance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1])
        edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}

/** What other systems and the other direction call our fields. */
const otherNames: Readonly<Record<string, string>> = {
  to: "from",
  from: "to",
  cidrIp: "cidr",
  cidrIpv6: "cidr",
  cidrBlock: "cidr",
  ipBlock: "cidr",
  portRange: "ports",
  group: "securityGroup",
  prefixListId: "prefixList",
  inbound: "ingress",
  outbound: "egress",
  ingress: "inbound",
  egress: "outbound",
  ruleNumber: "number",
  ruleAction: "action",
  selector: "podSelector",
  icmpTypeCode: "icmp",
};

/** The known word that was probably meant, if one is close. */
export function meant(word: string, known: readonly string[]): string | undefined {
  const other = Object.hasOwn(otherNames, word) ? otherNames[word] : undefined;
  if (other !== undefined && known.includes(other)) return other;
  const near = known
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(Math.min(word.length, candidate.length) / 3)))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.candidate;
}
