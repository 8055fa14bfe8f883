import { created, namespaceName, nodeName, type Size, uidOf } from "./size.ts";

/** What pods are, by the label `app`; each namespace has as many of each. */
const apps = ["web", "api", "db"] as const;
export type App = (typeof apps)[number];

/** Where each kind of pod listens. */
export const ports: Readonly<Record<App, number>> = { web: 8443, api: 8080, db: 5432 };

/** Pods beyond `size.pods` are those that come and go. */
export const podName = (index: number): string => `pod-${index}`;
export const podUid = (index: number): string => uidOf(1, index);

export const podNamespace = (index: number, { namespaces }: Size): string => namespaceName(index % namespaces);

/** Neighbours by number are of different namespaces, so that a node has pods of many. */
export function podNode(index: number, { nodes, pods }: Size): string {
  return nodeName(Math.floor((index * nodes) / pods) % nodes);
}

export function appOf(index: number, { namespaces }: Size): App {
  return apps[Math.floor(index / namespaces) % apps.length] ?? "web";
}

/** A quarter of all pods is in one group more. */
export const isMonitored = (index: number, { namespaces }: Size): boolean => Math.floor(index / namespaces) % 4 === 0;

/** One address of each family. */
export function podAddresses(index: number): readonly [string, string] {
  const number = index + 1;
  const ipv4 = `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  return [ipv4, `fd00:10::${((number >> 16) + 1).toString(16)}:${(number & 0xffff).toString(16)}`];
}

function podLabels(index: number, size: Size): Readonly<Record<string, string>> {
  const app = appOf(index, size);
  return {
    app,
    "app.kubernetes.io/part-of": podNamespace(index, size),
    "pod-template-hash": (index % 9973).toString(36).padStart(10, "0"),
    ...(isMonitored(index, size) ? { monitored: "true" } : {}),
  };
}

/** A manifest as somebody would create it, already bound to its node. */
export function podManifest(index: number, size: Size) {
  const app = appOf(index, size);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: podName(index), namespace: podNamespace(index, size), labels: podLabels(index, size) },
    spec: {
      nodeName: podNode(index, size),
      containers: [
        {
          name: app,
          image: `images.example/${app}@sha256:${"0123456789abcdef".repeat(4)}`,
          ports: [{ name: "main", containerPort: ports[app], protocol: "TCP" }],
          env: ["REGION", "ZONE", "LOG_LEVEL", "UPSTREAM"].map((name) => ({ name, value: `${name} of ${app}` })),
          resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
          readinessProbe: { httpGet: { path: "/ready", port: "main" }, periodSeconds: 10 },
          volumeMounts: [{ name: "token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true }],
        },
      ],
      volumes: [
        {
          name: "token",
          projected: {
            sources: [
              { serviceAccountToken: { path: "token", expirationSeconds: 3607 } },
              { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
            ],
          },
        },
      ],
      serviceAccountName: "default",
      tolerations: ["not-ready", "unreachable"].map((state) => ({
        key: `node.kubernetes.io/${state}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      })),
    },
  };
}

/** What a kubelet reports once the pod runs. */
export function runningStatus(index: number, size: Size) {
  const [podIP, ipv6] = podAddresses(index);
  const app = appOf(index, size);
  const conditions = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
  return {
    phase: "Running",
    podIP,
    podIPs: [{ ip: podIP }, { ip: ipv6 }],
    startTime: created,
    conditions: conditions.map((type) => ({ type, status: "True", lastTransitionTime: created })),
    containerStatuses: [
      {
        name: app,
        ready: true,
        started: true,
        restartCount: 0,
        image: `images.example/${app}`,
        imageID: `images.example/${app}@sha256:${"0123456789abcdef".repeat(4)}`,
        containerID: `containerd://${"fedcba9876543210".repeat(4)}`,
        state: { running: { startedAt: created } },
      },
    ],
  };
}

/** Field managers that the API server keeps with each pod; a good part of what a pod weighs. */
const managedFields = [
  { manager: "kube-controller-manager", path: "f:spec" },
  { manager: "kubelet", path: "f:status", subresource: "status" },
].map(({ path, ...entry }) => ({
  ...entry,
  operation: "Update",
  apiVersion: "v1",
  time: created,
  fieldsType: "FieldsV1",
  fieldsV1: { [path]: Object.fromEntries(["f:phase", "f:podIPs", "f:containers"].map((field) => [field, {}])) },
}));

/** A running pod as etcd holds it, about 3 KB. */
export function storedPod(index: number, size: Size) {
  const { metadata, spec, ...manifest } = podManifest(index, size);
  return {
    ...manifest,
    metadata: { ...metadata, uid: podUid(index), creationTimestamp: created, managedFields },
    spec,
    status: runningStatus(index, size),
  };
}
