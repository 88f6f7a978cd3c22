import type { Readable } from 'node:stream';

/** An answer, independent of the server that sends it. A stream's headers go out before its first byte. */
export interface ApiResponse {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body: string | Buffer | Readable;
}

export function json(body: object, status = 200, headers?: ApiResponse['headers']): ApiResponse {
  return jsonText(JSON.stringify(body), status, headers);
}

/** As `json`, for what is text already. */
export function jsonText(
  body: string,
  status: number,
  headers?: ApiResponse['headers'],
): ApiResponse {
  return { status, contentType: 'application/json', body, headers };
}

/** Text of a Warning header (RFC 7234, code 299), as kubectl prints it. */
export function warningHeaders(warnings: readonly string[]): ApiResponse['headers'] {
  if (warnings.length === 0) return undefined;
  return { warning: warnings.slice(0, maxWarnings).map((text) => `299 - ${quoted(text)}`) };
}

/** More than this many warnings help nobody and swell the headers. */
const maxWarnings = 20;

// Header values are Latin-1 without control characters; anything else would break the answer.
function quoted(text: string): string {
  const safe = text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 512);
  return `"${safe.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
