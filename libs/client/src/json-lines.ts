import { StringDecoder } from 'node:string_decoder';

const maxLineLength = 64 * 1024 * 1024;

/** The JSON values of a stream, one per line; a last line that was cut off is dropped. */
export async function* jsonLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(Buffer.from(chunk))).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength) throw new Error('the server sent a line without an end');
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
}
