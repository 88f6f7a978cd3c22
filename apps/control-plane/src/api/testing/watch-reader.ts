import type { ApiFixture, Json } from './api-fixture.js';

/** A watch as a client holds it: events one by one, until it is closed or the server ends it. */
export interface WatchReader extends AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  /** The next event; undefined once the server has ended the watch. */
  next(): Promise<Json>;
  /** The next events' `TYPE NAME`, for short expectations. */
  take(count: number): Promise<string[]>;
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
}

export async function openWatch(
  api: ApiFixture,
  path: string,
  headers: Record<string, string> = {},
): Promise<WatchReader> {
  const abort = new AbortController();
  const response = await fetch(api.url + path, { headers, signal: abort.signal });
  const lines = linesOf(response.body!);
  const next = async (): Promise<Json> => {
    const { done, value } = await lines.next();
    return done ? undefined : JSON.parse(value);
  };
  return {
    status: response.status,
    headers: response.headers,
    next,
    async take(count) {
      const seen: string[] = [];
      while (seen.length < count) {
        const event = await next();
        if (!event) break;
        seen.push(`${event.type} ${event.object.metadata?.name ?? ''}`.trim());
      }
      return seen;
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await lines.return(undefined).catch(() => undefined);
    },
  };
}
