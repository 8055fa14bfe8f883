import assert from "node:assert/strict";
import { test } from "node:test";
import { projectFiles } from "./project-files.ts";

/** Rows of the table of tracked and untracked flows. */
const rows = [
  ...["t1", "t2", "t2a", "t2b", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t9a", "t9b", "t10", "t10a"],
  ...["t11", "t12", "t13", "t14", "t15", "t16"],
];

/** Statements of the contract. */
const statements: readonly string[] = [
  ...["s-1", "s-2", "s-3", "s-4", "s-5", "s-6", "s-7", "s-8", "s-9", "s-9a", "s-10", "s-12", "s-14", "s-15", "s-16"],
  ...["s-17", "s-18", "s-19", "s-20", "s-21", "s-22"],
  ...["s-30", "s-31", "s-31a", "s-32", "s-33", "s-34", "s-35", "s-36", "s-37", "s-38", "s-39", "s-40", "s-40a", "s-41"],
  ...["s-50", "s-51", "s-52", "s-53", "s-54", "s-55", "s-56", "s-57", "s-58", "s-60"],
  ...["s-70", "s-71", "s-72", "s-73", "s-74", "s-75"],
  ...["s-80", "s-81", "s-82", "s-83", "s-84", "s-85", "s-86", "s-87", "s-88", "s-89"],
];

const files = projectFiles(/^lab\/scenarios\/.*\.yaml$/);
const documents = files.flatMap(({ path, text }) => text.split(/^---$/m).map((document) => ({ path, document })));
const names = documents.map(({ document }) => /^metadata: \{ name: (\S+) \}$/m.exec(document)?.[1] ?? "");

/** Statements that a scenario shows: its comments and its name cite them. */
const cited = new Set(
  documents.flatMap(({ document }) => [...document.matchAll(/\bs-\d+a?\b/gi)].map(([number]) => number.toLowerCase())),
);

const isOfRow = (row: string): boolean => names.some((name) => name.startsWith(`${row}-`));

test("the corpus has a scenario for every row of the table", () => {
  assert.deepEqual(
    rows.filter((row) => !isOfRow(row)),
    [],
  );
});

test("the corpus has a scenario for every statement of the contract", () => {
  assert.deepEqual(
    statements.filter((statement) => !cited.has(statement)),
    [],
  );
});

test("no scenario cites a statement that is in no list", () => {
  assert.deepEqual(
    [...cited].filter((number) => !statements.includes(number)),
    [],
  );
});

test("every scenario has a name of its own", () => {
  assert.deepEqual(
    names.filter((name, index) => name === "" || names.indexOf(name) < index),
    [],
  );
});

test("every scenario expects something, and most of it exactly", () => {
  const vague = documents.filter(({ document }) => !/\b(reason|metrics|connections):/.test(document));
  assert.deepEqual(
    vague.map(({ path }) => path),
    [],
  );
});

test("the index of the corpus names every file", () => {
  const index = projectFiles(/^lab\/scenarios\/README\.md$/)[0]?.text ?? "";
  const named = (path: string): boolean => {
    const [first = "", ...rest] = path.replace("lab/scenarios/", "").split("/");
    return index.includes(rest.length === 0 ? `\`${first}\`` : `\`${first}/\``);
  };
  assert.deepEqual(
    files.map(({ path }) => path).filter((path) => !named(path)),
    [],
  );
});
