import { type ApiObject, kinds } from "../ports.ts";

/** What of an object a client decides: fields that the server keeps are left out, and the status where it has its own subresource. */
export function withoutServerFields(object: ApiObject): ApiObject {
  const { status, metadata, ...content } = object;
  const { name, namespace, labels, annotations, finalizers } = metadata;
  const given = { namespace, labels, annotations, finalizers };
  const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const written: ApiObject = { ...content, metadata: { name, ...kept } };
  return kinds[object.kind].statusSubresource || status === undefined ? written : { ...written, status };
}
