import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "./duration.ts";

test("durations are read in seconds", () => {
  const rows: readonly (readonly [string, number])[] = [
    ["31s", 31],
    ["5m", 300],
    ["1h", 3600],
    ["1m30s", 90],
    ["250ms", 0.25],
    ["0.5s", 0.5],
    ["0s", 0],
    ["120h", 432_000],
  ];
  for (const [text, seconds] of rows) assert.equal(parseDuration(text), seconds, text);
});

test("what is no duration, or too fine for the clock, is refused", () => {
  for (const text of ["", "31", "s", "-1s", "1d", "100ms", "0.3s", "1 s", "1s "])
    assert.equal(parseDuration(text), undefined, text);
});
