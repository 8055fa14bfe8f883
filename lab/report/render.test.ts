import assert from "node:assert/strict";
import { test } from "node:test";
import { render } from "./render.ts";
import type { RunResult } from "./result.ts";

const run: RunResult = {
  milliseconds: 1234,
  cases: [
    {
      scenario: "good",
      file: "a.yaml",
      line: 1,
      engine: "model",
      steps: 2,
      expectations: 1,
      milliseconds: 3,
      failures: [],
    },
    {
      scenario: "bad",
      file: "a.yaml",
      line: 20,
      engine: "both",
      steps: 1,
      expectations: 1,
      milliseconds: 4,
      failures: [
        {
          file: "a.yaml",
          line: 25,
          step: 1,
          action: 'packet tcp <SYN> "client" # → web',
          expected: "delivered true",
          happened: "delivered false, reason no-rule",
          why: ["web is in default/web", "nearest rule: tcp 22 & 203.0.113.1/32"],
        },
      ],
    },
  ],
};

test("pretty shows file, line, expected, happened and why, and no colour unless asked", () => {
  const text = render(run, "pretty", false);
  for (const part of [
    "✓ good (model)",
    "✗ bad (model = kernel)",
    "a.yaml:25",
    "expected  delivered true",
    "happened  delivered false",
    "because   web is in",
    "1 passed, 1 failed",
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(!text.includes("\u001b"));
  assert.ok(render(run, "pretty", true).includes("\u001b[31m"));
});

test("tap counts its points and escapes descriptions", () => {
  const lines = render(run, "tap", false).split("\n");
  assert.deepEqual(lines.slice(0, 4), [
    "TAP version 14",
    "1..2",
    "ok 1 - a.yaml: good (model)",
    "not ok 2 - a.yaml: bad (model = kernel)",
  ]);
  assert.ok(lines.includes("  ---") && lines.includes("  ..."));
});

test("junit escapes and counts", () => {
  const text = render(run, "junit", false);
  assert.match(text, /<testsuites name="sallyport" tests="2" failures="1"/);
  assert.match(text, /packet tcp &lt;SYN&gt; &quot;client&quot;/);
  assert.match(text, /22 &amp; 203/);
  assert.equal(text.match(/<testcase /g)?.length, 2);
});

test("json holds everything", () => {
  const parsed = JSON.parse(render(run, "json", false)) as {
    passed: number;
    failed: number;
    cases: { ok: boolean; failures: unknown[] }[];
  };
  assert.deepEqual([parsed.passed, parsed.failed], [1, 1]);
  assert.deepEqual(
    parsed.cases.map((result) => result.ok),
    [true, false],
  );
  assert.deepEqual(parsed.cases[1]?.failures, run.cases[1]?.failures);
});
