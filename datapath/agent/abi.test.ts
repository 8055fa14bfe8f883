import assert from "node:assert/strict";
import { test } from "node:test";
import { passReasons, reasons } from "../../semantics/verdict.ts";
import { constants } from "./abi.generated.ts";

function enumName(reason: string): keyof typeof constants {
  return `REASON_${reason.toUpperCase().replaceAll("-", "_")}` as keyof typeof constants;
}

test("abi.h numbers the reasons in the order of semantics/verdict.ts, and has no others", () => {
  assert.deepEqual(
    reasons.map((reason) => [reason, constants[enumName(reason)]]),
    reasons.map((reason, index) => [reason, index]),
  );
  const names = Object.keys(constants).filter((name) => name.startsWith("REASON_"));
  assert.deepEqual(names.sort(), reasons.map(enumName).sort());
  assert.equal(constants.REASONS, reasons.length);
});

test("packets pass with a reason up to `unfiltered` and with no other", () => {
  assert.deepEqual(
    reasons.filter((_, index) => index <= constants.REASON_UNFILTERED),
    reasons.filter((reason) => passReasons.has(reason)),
  );
});
