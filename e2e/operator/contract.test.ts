import { after, before } from "node:test";
import { KubeApi } from "../../operator/kube/api.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { systemTimers } from "../../operator/kube/timers.ts";
import { KubeTransport, loadKubeConfig } from "../../operator/kube/transport.ts";
import { apiContract } from "../../operator/test/api-contract.ts";
import { ClusterWorld } from "./world.ts";

let world: ClusterWorld;
let transport: KubeTransport;

before(async () => {
  world = await ClusterWorld.open();
  transport = new KubeTransport(loadKubeConfig(world.cluster.kubeconfig), systemTimers);
});

after(async () => {
  transport.close();
  await world.stop();
});

apiContract({ name: "API server", open: async () => new KubeApi(new KubeClient(transport)) });
