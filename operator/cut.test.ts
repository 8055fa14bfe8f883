import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutText } from "./cut.ts";

test("what is short enough stays as it is", () => {
  assert.equal(cutText("a, b", 4), "a, b");
});

test("a text is cut behind a whole line, else behind a whole item, else anywhere", () => {
  assert.equal(cutText("one, two\nthree\nfour\nfive", 24), "one, two\nthree\nfour\nfive");
  assert.equal(cutText("one, two\nthree\nfour\nfive", 23), "one, two\n... and 3 more");
  assert.equal(cutText("one, two, three, four", 20), "one, ... and 3 more");
  assert.equal(cutText("a".repeat(20), 10), "aaaaaaa...");
  assert.equal(cutText(`aaaaaa${"😀".repeat(9)}`, 10), "aaaaaa...");
});

for (const separator of ["\n", ", "])
  test(`a cut list (${JSON.stringify(separator)}) is as long as it may be, of whole items, and counts the rest`, () => {
    const item = fc.tuple(fc.constantFrom("a", "b "), fc.integer({ min: 1, max: 20 })).map(([a, n]) => a.repeat(n));
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 30, maxLength: 60, size: "max" }),
        fc.integer({ min: 60, max: 250 }),
        (items, most) => {
          const cut = cutText(items.join(separator), most);
          assert.ok(cut.length <= most);
          if (items.join(separator).length <= most) return;
          const kept = cut.split(separator).slice(0, -1);
          assert.deepEqual(kept, items.slice(0, kept.length));
          assert.ok(cut.endsWith(`... and ${items.length - kept.length} more`), cut);
          const longer = [...items.slice(0, kept.length + 1), `... and ${items.length - kept.length - 1} more`];
          assert.ok(longer.join(separator).length > most, "one item more would have been too many");
        },
      ),
    );
  });
