import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { CommandError, exitCodes } from "../../exit.ts";
import { type Answers, type Reply, type Request, socketPath } from "./protocol.ts";

/** Whether a keeper answers for that lab. */
export async function isUp(lab: string): Promise<boolean> {
  const socket = connect(socketPath(lab));
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Asks the keeper of a lab; a lab that is not up ends the command with exit code 2. */
export async function ask<R extends Request>(lab: string, request: R): Promise<Answers[R["method"]]> {
  // Half-open must be allowed: the request's end tells the keeper nothing.
  const socket = connect(socketPath(lab));
  try {
    await once(socket, "connect");
  } catch (error) {
    const upCommand = lab === "default" ? "sallyport lab up FILE" : `sallyport lab up --name ${lab} FILE`;
    throw new CommandError(`error: no lab named ${lab} is up; start one with ${upCommand}`, exitCodes.unusable, {
      cause: error,
    });
  }
  socket.write(`${JSON.stringify(request)}\n`);
  const reply = JSON.parse(await text(socket)) as Reply;
  if ("error" in reply) throw new CommandError(`error: ${reply.error}`, exitCodes.failure);
  return reply.result as Answers[R["method"]];
}
