/** Writes the page of errors anew, from the corpus and a real API server. */
import { writeFileSync } from "node:fs";
import { connect } from "../cluster/connection.ts";
import { openCluster } from "../cluster/usercluster.ts";
import { errorsPage, renderErrorsPage } from "./errors-page.ts";
import { applyDefinitions } from "./server.ts";

await using opened = new AsyncDisposableStack();
const cluster = await openCluster();
opened.defer(() => cluster.stop());
await applyDefinitions(cluster.kubeconfig);
const connection = connect(cluster.kubeconfig);
opened.defer(() => connection.close());
writeFileSync(new URL(`../../${errorsPage}`, import.meta.url), await renderErrorsPage(connection));
