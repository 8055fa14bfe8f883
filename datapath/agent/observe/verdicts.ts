import { reasons, type Tracking } from "../../../semantics/verdict.ts";
import { constants } from "../abi.generated.ts";
import type { EndpointTable } from "../apply/endpoint-table.ts";
import type { PolicyTable } from "../apply/policy-table.ts";
import { StructView } from "../bytes.ts";
import type { VerdictRecord } from "../control.ts";

const trackings: readonly Tracking[] = ["none", "tracked", "untracked"];

/** Decodes one record of the ring `verdicts`; undefined where its endpoint is gone. */
export function readVerdict(
  bytes: Uint8Array,
  endpoints: EndpointTable,
  policies: PolicyTable,
): VerdictRecord | undefined {
  const event = new StructView("verdict_event", bytes.buffer, bytes.byteOffset);
  const byte = (field: "direction" | "reason" | "tracking" | "family") => event.window(field, 1)[0] ?? 0;
  const uid = endpoints.uidOf(event.u32("endpoint"));
  const reason = reasons[byte("reason")];
  const tracking = trackings[byte("tracking")];
  if (uid === undefined || reason === undefined || tracking === undefined) {
    return undefined;
  }
  const number = event.u16("rule");
  const rule =
    number === constants.NO_RULE
      ? undefined
      : policies.sourceOf(event.u16("slot"), byte("direction"), byte("family"), number);
  return {
    uid,
    direction: byte("direction") === constants.DIRECTION_EGRESS ? "egress" : "ingress",
    pass: byte("reason") <= constants.REASON_UNFILTERED,
    reason,
    tracking,
    ...(rule === undefined ? {} : { rule }),
  };
}
