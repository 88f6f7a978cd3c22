import { createHash } from 'node:crypto';
import { openApiV3 } from '@gantry/api-machinery';
import type { ApiRequest } from './api-request.js';
import { type ApiResponse, json } from './api-response.js';
import type { KindRegistry } from './kind-registry.js';
import { unknownResource } from './target.js';
import { versionInfo } from './version.js';

interface Document {
  readonly body: string;
  readonly hash: string;
}

/** OpenAPI v3 documents, one per group and version, made from the declarations on first use. */
export class OpenApiDocuments {
  private made: ReadonlyMap<string, Document> | undefined;

  constructor(private readonly kinds: KindRegistry) {}

  private get documents(): ReadonlyMap<string, Document> {
    this.made ??= makeDocuments(this.kinds);
    return this.made;
  }

  /** `GET /openapi/v3`: where each document is; its hash lets clients keep it. */
  index(): ApiResponse {
    const paths: Record<string, { serverRelativeURL: string }> = {};
    for (const [path, { hash }] of this.documents) {
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    }
    return json({ paths });
  }

  /** `GET /openapi/v3/apis/GROUP/VERSION`; NotFound for one that is not served. */
  serve(path: string, request: ApiRequest): ApiResponse {
    const document = this.documents.get(path);
    if (!document) throw unknownResource();
    const etag = `"${document.hash}"`;
    const headers = { etag, vary: 'Accept' };
    if (request.headers['if-none-match'] === etag) {
      return { status: 304, contentType: 'application/json', headers, body: '' };
    }
    return { status: 200, contentType: 'application/json', headers, body: document.body };
  }
}

function makeDocuments({ kinds }: KindRegistry): Map<string, Document> {
  const info = { title: 'Gantry', version: versionInfo.gitVersion };
  const documents = new Map<string, Document>();
  for (const [path, content] of openApiV3(kinds, info)) {
    const body = JSON.stringify(content);
    const hash = createHash('sha256').update(body).digest('hex').toUpperCase();
    documents.set(path, { body, hash });
  }
  return documents;
}
