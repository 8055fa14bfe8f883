import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildProgram, goMod } from "./gomodule.ts";
import { ClusterProblem } from "./problem.ts";

const published = `module k8s.io/kubernetes

go 1.24.0

require k8s.io/api v0.0.0

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/client-go => ./staging/src/k8s.io/client-go
	example.com/other => example.com/fork v1.0.0
)
`;

test("parts of a module that are in its own tree are required as published", () => {
  assert.equal(
    goMod(published, { module: "k8s.io/kubernetes", version: "v1.34.4" }),
    `module cluster

go 1.24.0

require k8s.io/kubernetes v1.34.4

replace k8s.io/api => k8s.io/api v0.34.4
replace k8s.io/client-go => k8s.io/client-go v0.34.4
`,
  );
});

/** Runs with a `go` on the PATH that says it is of this version; without one where there is none. */
async function withGo(version: string | undefined, work: () => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-go-"));
  const path = process.env["PATH"];
  if (version !== undefined) writeFileSync(join(folder, "go"), `#!/bin/sh\necho "${version}"\n`, { mode: 0o755 });
  process.env["PATH"] = version === undefined ? folder : `${folder}:${path}`;
  try {
    await work();
  } finally {
    process.env["PATH"] = path;
    rmSync(folder, { recursive: true });
  }
}

const program = { module: "example.com/program", version: "v1.0.0", main: "example.com/program" };

for (const [what, version, message] of [
  ["no Go", undefined, /program v1\.0\.0 has to be built and there is no go on the PATH; install Go 1\.21/],
  ["Debian 12's Go", "go version go1.19.8 linux/amd64", /this is go version go1\.19\.8 .*; install Go 1\.21/],
] as const)
  test(`with ${what} the message says what to install`, async () => {
    await withGo(version, () =>
      assert.rejects(
        buildProgram(program, join(tmpdir(), "never-made")),
        (error) => error instanceof ClusterProblem && message.test(error.message),
      ),
    );
  });
