import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Case, casesOf, corpusKinds } from "../../crds/corpus/cases.ts";
import { type Connection, connect } from "../cluster/connection.ts";
import { openCluster } from "../cluster/usercluster.ts";
import { errorsPage, renderErrorsPage } from "./errors-page.ts";
import { sentObject, stoppedEarly } from "./sent.ts";
import { applyDefinitions, describeReply, type Reply, tryCreate } from "./server.ts";

const opened = new AsyncDisposableStack();
let connection: Connection;

before(async () => {
  const cluster = await openCluster();
  opened.defer(() => cluster.stop());
  await applyDefinitions(cluster.kubeconfig);
  connection = connect(cluster.kubeconfig);
  opened.defer(() => connection.close());
});

after(() => opened.disposeAsync());

/** All reasons for which the API server may accept what the command line refuses. */
const permittedDifferences = [
  "CEL cannot afford to compare all rules (S-5)",
  "the API server drops the namespace of a cluster-scoped object",
  "the API server takes null for a missing field",
];

for (const kind of corpusKinds)
  describe(`the API server and the command line agree on ${kind}`, () => {
    for (const entry of casesOf(kind))
      test(entry.case, async () => {
        const reply = await tryCreate(connection, sentObject(kind, entry));
        const valid = entry.refused === undefined || entry.commandLineOnly !== undefined;
        assert.equal(reply.accepted, valid, describeReply(reply));
        if (!valid) assertSameFields(reply, entry);
      });
  });

const isAround = (outer: string, field: string): boolean =>
  field === outer || field.startsWith(`${outer}.`) || field.startsWith(`${outer}[`);

/**
 * The API server must name the fields that the command line names, or what is around them: at least one where it
 * stops early, which it does at unknown fields (they have no causes) and wrong types.
 */
function assertSameFields(reply: Reply, { refused = [] }: Case): void {
  const { causes, message } = reply;
  const isNamed = (field: string) =>
    causes.length === 0 ? message.includes(`"${field}`) : causes.some((cause) => isAround(cause.field, field));
  const missed = refused.map(({ field }) => field).filter((field) => !isNamed(field));
  const early = causes.length === 0 || message.includes(stoppedEarly);
  const most = early ? refused.length - 1 : 0;
  assert.ok(missed.length <= most, `not named: ${missed.join(", ")}\n${describeReply(reply)}`);
}

test("the API server and the command line differ for no other reason than those", () => {
  const reasons = corpusKinds.flatMap((kind) => casesOf(kind).flatMap((entry) => entry.commandLineOnly ?? []));
  assert.deepEqual([...new Set(reasons)].sort(), [...permittedDifferences].sort());
});

test("the page of errors says what the API server says", async () => {
  const page = readFileSync(new URL(`../../${errorsPage}`, import.meta.url), "utf8");
  assert.equal(
    await renderErrorsPage(connection),
    page,
    `write ${errorsPage} anew: node e2e/crds/write-errors-page.ts`,
  );
});

test("the corpus has at least 150 objects", () => {
  const objects = corpusKinds.flatMap((kind) => casesOf(kind));
  assert.ok(objects.length >= 150, `only ${objects.length}`);
});
