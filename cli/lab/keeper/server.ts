import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Keeper } from "./keeper.ts";
import { type Reply, type Request, socketPath, stateDirectory } from "./protocol.ts";

async function replyTo(keeper: Keeper, line: string): Promise<{ reply: Reply; down: boolean }> {
  try {
    const request = JSON.parse(line) as Request;
    const result = await keeper.answer(request);
    return { reply: { result }, down: request.method === "down" };
  } catch (error) {
    return { reply: { error: error instanceof Error ? error.message : String(error) }, down: false };
  }
}

/** Answers on the lab's socket until it is asked to go down or a signal comes; the socket's directory goes with it. */
export async function serve(lab: string, keeper: Keeper, ready: () => void): Promise<void> {
  const directory = stateDirectory(lab);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // What a killed keeper left; the caller has made sure that none is up.
  await rm(socketPath(lab), { force: true });
  const { promise: ending, resolve: end } = Promise.withResolvers<Socket | undefined>();
  // One request at a time: an apply must not meet another.
  let turn = Promise.resolve();
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    createInterface({ input: socket }).once("line", (line) => {
      turn = turn.then(async () => {
        const { reply, down } = await replyTo(keeper, line);
        // The one who asked for the end hears of it when all is gone.
        if (down) end(socket);
        else socket.end(`${JSON.stringify(reply)}\n`);
      });
    });
  });
  server.listen(socketPath(lab));
  await once(server, "listening");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => end(undefined));
  ready();
  const asker = await ending;
  server.close();
  await keeper.stop();
  await rm(directory, { recursive: true, force: true });
  asker?.end(`${JSON.stringify({ result: null })}\n`);
}
