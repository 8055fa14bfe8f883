/** Version of Kubernetes that the tests run against. From 1.35 on the kubelet refuses nodes with cgroup v1. */
export const kubernetesVersion = "v1.34.4";

/** Version of etcd with streaming lists, for who asks for it; Debian's own is older and starts without a build. */
export const streamingEtcdVersion = "v3.6.5";
