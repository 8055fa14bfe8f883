import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatProblem, readManifests, validateObject } from "./manifest.ts";

const lines = (...text: readonly string[]): string => `${text.join("\n")}\n`;

/** The problems of a text, each as `line field`. */
function placesIn(text: string): readonly string[] {
  const reading = readManifests(text, "file.yaml");
  assert.ok(!reading.ok, "was accepted");
  return reading.problems.map(({ line, field }) => `${line} ${field}`);
}

function objectsIn(text: string): readonly string[] {
  const reading = readManifests(text, "file.yaml");
  assert.ok(reading.ok, reading.ok ? "" : reading.problems.map(formatProblem).join("\n"));
  return reading.manifests.map(({ object, line }) => `${line} ${object.kind} ${object.metadata.name}`);
}

const group = (name: string) =>
  `{ apiVersion: sallyport.dev/v1alpha1, kind: SecurityGroup, metadata: { name: ${name} }, spec: {} }`;

describe("reading", () => {
  test("several documents, empty ones left out", () => {
    assert.deepEqual(objectsIn(lines("---", "---", group("a"), "---", "# nothing", "---", "", group("b"))), [
      "3 SecurityGroup a",
      "8 SecurityGroup b",
    ]);
  });

  test("nothing at all is no object", () => assert.deepEqual(objectsIn(""), []));

  test("a List is its items", () => {
    const text = lines("apiVersion: v1", "kind: List", "items:", `- ${group("a")}`, `- ${group("b")}`);
    assert.deepEqual(objectsIn(text), ["4 SecurityGroup a", "5 SecurityGroup b"]);
  });

  test("JSON is YAML", () => {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    assert.deepEqual(objectsIn(JSON.stringify(namespace, null, 2)), ["1 Namespace shop"]);
  });

  test("anchors and merge keys", () => {
    const text = lines(
      "apiVersion: sallyport.dev/v1alpha1",
      "kind: SecurityGroup",
      "metadata: { name: a }",
      "spec:",
      "  ingress:",
      "  - &web { protocol: tcp, ports: 80, from: [ { cidr: 10.0.0.0/8 } ] }",
      "  - { <<: *web, ports: 0443 }",
    );
    const reading = readManifests(text, "file.yaml");
    assert.ok(reading.ok);
    const { object } = reading.manifests[0] ?? {};
    assert.ok(object?.kind === "SecurityGroup");
    // 0443 is octal in YAML 1.1, as for kubectl.
    assert.deepEqual(
      object.spec.ingress.map(({ service }) => service.ports?.from),
      [80, 0o443],
    );
  });

  test("neither dates nor base 60: Go's YAML has neither", () => {
    const text = lines(
      "apiVersion: v1",
      "kind: Namespace",
      "metadata: { name: a, annotations: { since: 2024-01-01, at: 12:30 } }",
    );
    const reading = readManifests(text, "file.yaml");
    assert.ok(reading.ok);
    assert.deepEqual(reading.manifests[0]?.object.metadata.annotations, { since: "2024-01-01", at: "12:30" });
  });

  test("core kinds keep what is not read", () => {
    const text = lines(
      "{ apiVersion: v1, kind: Service, metadata: { name: web }, spec: { clusterIP: None, ports: [ { port: 80 } ], sessionAffinity: None } }",
      "---",
      "{ apiVersion: v1, kind: Pod, metadata: { name: web }, spec: { containers: [ { name: web, image: web } ] } }",
      "---",
      "{ apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: { name: web-1 }, addressType: IPv4, endpoints: [ { addresses: [ 10.244.0.1 ] } ] }",
    );
    const reading = readManifests(text, "file.yaml");
    assert.ok(reading.ok);
    const [service, pod, slice] = reading.manifests.map(({ object }) => object);
    assert.ok(service?.kind === "Service" && pod?.kind === "Pod" && slice?.kind === "EndpointSlice");
    assert.partialDeepStrictEqual(service.spec, { sessionAffinity: "None", ports: [{ port: 80, protocol: "TCP" }] });
    assert.equal(pod.spec.serviceAccountName, "default");
    assert.equal(pod.metadata.namespace, "default");
    assert.deepEqual(slice.endpoints?.[0]?.addresses, ["10.244.0.1"]);
  });
});

describe("all errors at once", () => {
  const text = lines(
    "apiVersion: sallyport.dev/v1alpha1",
    "kind: SecurityGroup",
    "metadata:",
    "  name: web",
    "spec:",
    "  ingres: []",
    "  ingress:",
    "  - protocol: tcp",
    "    ports: 70000",
    "    from:",
    "    - cidr: 10.0.0.1/33",
    "    - cidr: 10.0.0.0/8",
    "      prefixList: x",
    "  - protocol: udp",
    "    from: [ { cidr: 0.0.0.0/0 } ]",
    "---",
    "kind: SecurityGrop",
    "---",
    "apiVersion: sallyport.dev/v1alpha1",
    "kind: PrefixList",
    "metadata: { name: office }",
    "spec: { addressFamily: IPv4,",
    "  maxEntries: 0 }",
  );

  test("with the line of each", () => {
    assert.deepEqual(placesIn(text), [
      "6 spec.ingres",
      "9 spec.ingress[0].ports",
      "11 spec.ingress[0].from[0].cidr",
      "12 spec.ingress[0].from[1]",
      "14 spec.ingress[1].ports",
      "17 kind",
      "23 spec.maxEntries",
    ]);
  });

  test("formatted with file, line, object, field, value and remedy", () => {
    const reading = readManifests(text, "web.yaml");
    assert.ok(!reading.ok);
    const [unknown, port] = reading.problems.map(formatProblem);
    assert.equal(unknown, "web.yaml:6: SecurityGroup default/web: spec.ingres: unknown field; did you mean `ingress`?");
    assert.equal(
      port,
      "web.yaml:9: SecurityGroup default/web: spec.ingress[0].ports = 70000: a port is 0 to 65535; write a port from 0 to 65535",
    );
  });

  test("in an aliased value, at the line where it is written", () => {
    const aliased = lines(
      "apiVersion: sallyport.dev/v1alpha1",
      "kind: SecurityGroup",
      "metadata: { name: a }",
      "spec:",
      "  podSelector: &all",
      "    matchLabel: {}",
      "  serviceAccountSelector: *all",
    );
    assert.deepEqual(placesIn(aliased), ["6 spec.podSelector.matchLabel", "6 spec.serviceAccountSelector.matchLabel"]);
  });

  test("items of a list are named by their place", () => {
    const reading = readManifests(lines("kind: List", "items:", "- 7", "- { kind: Pod }"), "file.yaml");
    assert.ok(!reading.ok);
    assert.deepEqual(
      reading.problems.map(({ line, object, field }) => `${line} ${object} ${field}`),
      ["3 item 1 of the list ", "4 Pod (item 2 of the list) apiVersion", "4 Pod (item 2 of the list) metadata"],
    );
  });
});

describe("syntax", () => {
  test("a key twice", () => {
    const reading = readManifests(lines("kind: Pod", "kind: Service"), "file.yaml");
    assert.ok(!reading.ok);
    assert.deepEqual(reading.problems.map(formatProblem), [
      "file.yaml:2: document 1: not valid YAML: map keys must be unique; remove one of the two",
    ]);
  });

  test("an alias without its anchor", () => assert.equal(readManifests("a: *b\n", "file.yaml").ok, false));

  test("aliases that would explode", () => {
    const levels = "abcdefgh".split("").map((name, index, all) => {
      const before = all[index - 1];
      return `${name}: &${name} [${Array(9).fill(before === undefined ? "x" : `*${before}`)}]`;
    });
    const reading = readManifests(lines(...levels), "file.yaml");
    assert.ok(!reading.ok);
    assert.match(reading.problems[0]?.message ?? "", /alias/i);
  });
});

describe("an object that was parsed elsewhere", () => {
  const value = { apiVersion: "sallyport.dev/v1alpha1", kind: "PrefixList", metadata: { name: "x" }, spec: {} };

  test("has the lines that the caller looks up", () => {
    const validation = validateObject(value, { file: "s.yaml", lineOf: (path) => 40 + path.length });
    assert.ok(!validation.ok);
    assert.deepEqual(
      validation.problems.map(({ file, line, field }) => `${file}:${line} ${field}`),
      ["s.yaml:42 spec.addressFamily", "s.yaml:42 spec.maxEntries"],
    );
  });

  test("has no place when nobody knows it", () => {
    const validation = validateObject(value);
    assert.ok(!validation.ok);
    assert.match(formatProblem(validation.problems[0] ?? assert.fail()), /^PrefixList x: spec\.addressFamily: /);
  });
});
