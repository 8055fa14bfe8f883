import { concurrently } from "../../operator/reconcile/concurrently.ts";
import type { Stored } from "./objects.ts";

/** Operations of one transaction: etcd takes no more (`--max-txn-ops`), and 1.5 MiB of them. */
const mostOperations = 128;
const mostBytes = 1_000_000;

const prefix = "/registry/";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Bodies of requests to `/v3/kv/txn` that put these objects, as few as etcd's limits allow. */
export function* transactions(objects: Iterable<Stored>): Generator<string> {
  let puts: string[] = [];
  let bytes = 0;
  for (const { key, object } of objects) {
    const put = `{"requestPut":{"key":"${base64(prefix + key)}","value":"${base64(JSON.stringify(object))}"}}`;
    if (puts.length === mostOperations || (puts.length > 0 && bytes + put.length > mostBytes)) {
      yield `{"success":[${puts}]}`;
      puts = [];
      bytes = 0;
    }
    puts.push(put);
    bytes += put.length;
  }
  if (puts.length > 0) yield `{"success":[${puts}]}`;
}

/**
 * Writes objects into the etcd of an API server that does not run. It reads JSON as well as what it writes itself;
 * nothing is defaulted, admitted or validated.
 */
export async function putObjects(etcd: string, objects: Iterable<Stored>): Promise<void> {
  await concurrently(transactions(objects), async (body) => {
    const answer = await fetch(`${etcd}/v3/kv/txn`, { method: "POST", body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`etcd does not take the objects: ${answer.status} ${text}`);
  });
}
