import { setTimeout as sleep } from "node:timers/promises";
import { definitions } from "../../crds/definition/definition.ts";
import { type Kind, kinds } from "../../crds/kinds.ts";
import { type Connection, connect } from "../cluster/connection.ts";

/** One reason why the API server refused an object. */
interface Cause {
  readonly field: string;
  readonly message: string;
}

/** What the API server says to an object. `causes` is empty where it was accepted. */
export interface Reply {
  readonly accepted: boolean;
  readonly message: string;
  readonly causes: readonly Cause[];
}

const pollMilliseconds = 50;

interface Condition {
  readonly type: string;
  readonly status: string;
}

interface StatusBody {
  readonly message?: string;
  readonly details?: { readonly causes?: readonly Partial<Cause>[] };
}

/** An object that can be sent. */
export interface WrittenObject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Where the objects of a kind are, in a namespace if it has any. */
function collectionPath({ apiVersion, plural, namespaced }: Omit<Kind, "schema">, namespace = "default"): string {
  const base = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
  return `${base}${namespaced ? `/namespaces/${namespace}` : ""}/${plural}`;
}

/** Writes a definition as its generated file has it, over one that is there. */
async function applyDefinition(connection: Connection, name: string, definition: object): Promise<void> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
  const query = "fieldManager=sallyport-e2e&force=true&fieldValidation=Strict";
  const answer = await connection.send("PATCH", `${path}?${query}`, definition, "application/apply-patch+yaml");
  if (answer.status >= 300) throw new Error(`${name}: ${(answer.body as StatusBody).message}`);
  for (;;) {
    const { body } = await connection.send("GET", path);
    // Until the server has looked at it the list is null.
    const { status } = body as { readonly status?: { readonly conditions?: readonly Condition[] | null } };
    if (status?.conditions?.some(({ type, status }) => type === "Established" && status === "True")) return;
    await sleep(pollMilliseconds);
  }
}

/** Writes the definitions of all our kinds and waits until they are served. */
export async function applyDefinitions(kubeconfig: string): Promise<void> {
  const connection = connect(kubeconfig);
  try {
    await Promise.all(
      definitions().map((definition) => applyDefinition(connection, definition.metadata.name, definition)),
    );
  } finally {
    connection.close();
  }
}

/** What the API server would say if this object were created, as strictly as kubectl asks it. Nothing is stored. */
export async function tryCreate(connection: Connection, object: WrittenObject): Promise<Reply> {
  const kind = kinds[object.kind as keyof typeof kinds];
  const path = collectionPath(kind, object.metadata.namespace);
  const { status, body } = await connection.send("POST", `${path}?dryRun=All&fieldValidation=Strict`, object);
  const { message = "", details } = body as StatusBody;
  const causes = (details?.causes ?? []).map((cause) => ({ field: cause.field ?? "", message: cause.message ?? "" }));
  return { accepted: status === 201, message, causes };
}

/** A reply in lines, for a message. */
export function describeReply({ message, causes }: Reply): string {
  return [message, ...causes.map((cause) => `${cause.field}: ${cause.message}`)].join("\n");
}
