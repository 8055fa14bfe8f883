import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { projectFiles, root } from "./project-files.ts";

const documents = projectFiles(/\.md$/);
const byPath = new Map(documents.map(({ path, text }) => [path, text]));

/** Markdown without its code blocks and code spans: nothing in those is a link. */
const prose = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");

/** The anchors of a page's headings, as code hosts make them. */
function anchors(text: string): ReadonlySet<string> {
  const headings = text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** What is wrong with one link, or undefined. */
function fault(path: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [file = "", anchor] = link.split("#", 2);
  const target = file === "" ? path : posix.join(posix.dirname(path), file);
  if (!existsSync(join(root, target))) return `${path}: ${link} leads nowhere`;
  const text = byPath.get(target);
  if (anchor === undefined || text === undefined || anchors(text).has(anchor)) return undefined;
  return `${path}: ${link} names a heading that ${target} does not have`;
}

test("every link between the project's pages leads somewhere", () => {
  const faults = documents.flatMap(({ path, text }) =>
    [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => fault(path, link) ?? []),
  );
  assert.deepEqual(faults, []);
});

test("decision records are numbered without a gap and listed", () => {
  const records = documents.map(({ path }) => path).filter((path) => /^docs\/decisions\/\d{4}-/.test(path));
  const index = byPath.get("docs/decisions/README.md") ?? "";
  assert.deepEqual(
    records.map((path) => Number(posix.basename(path).slice(0, 4))),
    records.map((_, position) => position + 1),
  );
  assert.deepEqual(
    records.filter((path) => !index.includes(`(${posix.basename(path)})`)),
    [],
  );
});

test("commands that the pages name exist as scripts", () => {
  const scripts: unknown = JSON.parse(projectFiles(/^package\.json$/)[0]?.text ?? "{}").scripts;
  assert.ok(typeof scripts === "object" && scripts !== null);
  const named = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\bnpm run (?:-s )?([a-z][\w:-]*)/g)].map(([, name = ""]) => ({ path, name })),
  );
  assert.deepEqual(
    named.filter(({ name }) => !Object.hasOwn(scripts, name)),
    [],
  );
});
