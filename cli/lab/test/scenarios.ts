const web = (ingress: string): string => `apiVersion: sallyport.dev/v1alpha1
kind: SecurityGroup
metadata: { name: web, namespace: default }
spec:
  podSelector: { matchLabels: { app: web } }
  ingress: [${ingress}]
`;

/** A group that lets in tcp 22 from one host. */
export const sshGroup = web('{ protocol: tcp, ports: "22", from: [{ cidr: 203.0.113.1/32 }] }');
/** The same group with no way in. */
export const closedGroup = web("");

const indent = (text: string, by: string): string => text.trimEnd().replaceAll("\n", `\n${by}`);

/** A scenario with the pod web in \`sshGroup\`, the host client, and these steps. */
export function scenario(name: string, steps: readonly string[]): string {
  return `apiVersion: lab.sallyport.dev/v1alpha1
kind: Scenario
metadata: { name: ${name} }
spec:
  resources:
    - ${indent(sshGroup, "      ")}
  pods:
    - { name: web, labels: { app: web }, addresses: [10.244.0.10, "fd00:244::10"] }
  hosts:
    - { name: client, addresses: [203.0.113.1, "2001:db8::1"] }
  steps:${steps.length === 0 ? " []" : ""}
${steps.map((step) => `    - ${indent(step, "      ")}\n`).join("")}`;
}

/** Holds in every engine. */
export const holding = scenario("holding", [
  "connect: { name: ssh, from: client, to: web, protocol: tcp, port: 22 }\nexpect: { connected: true, tracking: tracked }",
  "packet: { from: client, to: web, protocol: tcp, port: 80 }\nexpect: { delivered: false, reason: no-rule }",
]);

/** Expects what does not happen. */
export const failing = scenario("failing", [
  "packet: { from: client, to: web, protocol: tcp, port: 80 }\nexpect: { delivered: true }",
]);
