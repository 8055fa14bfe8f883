/** Each line of a stream, parsed. What follows the last newline when the stream ends is half a line and is dropped. */
export async function* jsonLines(stream: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  let pieces: Buffer[] = [];
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      pieces.push(chunk.subarray(start, end));
      const line = Buffer.concat(pieces).toString("utf8");
      pieces = [];
      start = end + 1;
      if (line.trim() !== "") yield JSON.parse(line);
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  }
}

const newline = 0x0a;
