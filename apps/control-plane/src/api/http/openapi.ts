import { createHash } from 'node:crypto';
import { openApiV3 } from '@gantry/api-machinery';
import { encodeOpenApiV2 } from '../protobuf/gnostic.js';
import type { ApiRequest } from './api-request.js';
import { type ApiResponse, json } from './api-response.js';
import type { KindRegistry } from './kind-registry.js';
import { openApiV2 } from './openapi-v2.js';
import { unknownResource } from './target.js';
import { versionInfo } from './version.js';

interface Document {
  readonly body: string;
  readonly hash: string;
}

/** OpenAPI v3 documents, one per group and version, made from the declarations on first use. */
export class OpenApiDocuments {
  private made: ReadonlyMap<string, Document> | undefined;
  private madeV2: { text: string; protobuf: Buffer; etag: string } | undefined;

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

  /** `GET /openapi/v2`, in protobuf for those who ask for it; kubectl up to 1.28 knows nothing newer. */
  serveV2(request: ApiRequest): ApiResponse {
    this.madeV2 ??= makeV2(this.kinds);
    const { text, protobuf, etag } = this.madeV2;
    const headers = { etag, vary: 'Accept' };
    const asked = request.headers.accept?.includes('spec.v2@v1.0+protobuf');
    const contentType = asked ? 'application/octet-stream' : 'application/json';
    if (request.headers['if-none-match'] === etag) {
      return { status: 304, contentType, headers, body: '' };
    }
    return { status: 200, contentType, headers, body: asked ? protobuf : text };
  }
}

const info = { title: 'Gantry', version: versionInfo.gitVersion };

function makeV2({ kinds }: KindRegistry): { text: string; protobuf: Buffer; etag: string } {
  const document = openApiV2(openApiV3(kinds, info).values());
  const text = JSON.stringify(document);
  const etag = `"${createHash('sha256').update(text).digest('hex').toUpperCase()}"`;
  return { text, protobuf: encodeOpenApiV2(document), etag };
}

function makeDocuments({ kinds }: KindRegistry): Map<string, Document> {
  const documents = new Map<string, Document>();
  for (const [path, content] of openApiV3(kinds, info)) {
    const body = JSON.stringify(content);
    const hash = createHash('sha256').update(body).digest('hex').toUpperCase();
    documents.set(path, { body, hash });
  }
  return documents;
}
