/** Seconds between two lines where the output is no terminal. */
const secondsBetweenLines = 30;

/** Tells a person who waits that something goes on: one line that is rewritten, or now and then a new one. */
export interface Progress {
  step(detail: string): void;
  done(detail: string): void;
}

/** Progress of one piece of work, on standard error. */
export function showProgress(what: string): Progress {
  const start = performance.now();
  const elapsed = () => `${Math.round((performance.now() - start) / 1000)} s`;
  const terminal = process.stderr.isTTY === true;
  let lastLine = start;
  process.stderr.write(`${what} …${terminal ? "" : "\n"}`);
  return {
    step: (detail) => {
      if (terminal) process.stderr.write(`\r\u001b[K${what}: ${detail}, ${elapsed()}`);
      else if (performance.now() - lastLine >= secondsBetweenLines * 1000) {
        lastLine = performance.now();
        process.stderr.write(`${what}: ${detail}, ${elapsed()}\n`);
      }
    },
    done: (detail) => process.stderr.write(`${terminal ? "\r\u001b[K" : ""}${what}: ${detail}, ${elapsed()}\n`),
  };
}
