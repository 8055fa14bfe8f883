/** A process that holds a control plane and does nothing: for the test of what is left when such a process ends. */
import { startControlPlane } from "./controlplane.ts";

const plane = await startControlPlane();
const pids = [plane.etcd, plane.apiServer, plane.controllerManager, plane.scheduler].map(({ pid }) => pid);
process.stdout.write(`${JSON.stringify({ folder: plane.folder, pids })}\n`);
setInterval(() => undefined, 60_000);
