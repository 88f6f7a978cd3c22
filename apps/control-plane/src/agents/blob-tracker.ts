/** Who is to be asked for a blob; nobody: the registry. */
export interface BlobSource {
  readonly node: string;
  /** HOST:PORT. */
  readonly address: string;
}

/** Tells an agent where a blob is to be had, or (`waitingFor`) who is fetching it. */
export type BlobAnswer = (peers: readonly BlobSource[], waitingFor?: string) => void;

interface Query {
  readonly node: string;
  readonly answer: BlobAnswer;
}

interface Blob {
  readonly holders: Set<string>;
  /** Who fetches it from the registry. */
  fetcher?: string;
  /** Whom each node was sent to. */
  readonly transfers: Map<string, string>;
  waiting: Query[];
}

/** Nodes that are sent to one holder at the same time; the others wait until some of them have the blob too. */
export const maxTransfersPerHolder = 4;
/** Holders that are named in an answer: the first to be asked, the others in case it fails. */
const maxNamed = 3;
/** Blobs that one node asks for at the same time; it gets further ones from the registry, unknown to others. */
export const maxQueriesPerNode = 1_000;
/** Blobs that are remembered of one node. */
export const maxBlobsPerNode = 20_000;

/**
 * Who has which blob and who fetches which, so that a registry sends each blob once: the first to ask is sent there,
 * those who ask meanwhile wait, and then spread it among themselves as a tree. In memory only: what is not known here
 * costs a further download, never a wrong one.
 */
export class BlobTracker {
  private readonly blobs = new Map<string, Blob>();
  private readonly addresses = new Map<string, string>();
  private readonly held = new Map<string, Set<string>>();
  /** Blobs that a node waits for, or has been told where to get. */
  private readonly wanted = new Map<string, Set<string>>();

  /** A node that serves its peers at this address. */
  connected(node: string, address: string): void {
    this.addresses.set(node, address);
  }

  /** Where the node serves its peers; undefined when it does not, or is not connected here. */
  addressOf(node: string): string | undefined {
    return this.addresses.get(node);
  }

  disconnected(node: string): void {
    this.addresses.delete(node);
    this.forgetAll(node);
    for (const digest of this.wanted.get(node) ?? []) this.left(node, digest);
  }

  /** The node has exactly these blobs and those that it tells from now on. */
  reset(node: string): void {
    this.forgetAll(node);
  }

  have(node: string, digest: string): void {
    const held = this.held.get(node) ?? new Set();
    this.held.set(node, held);
    if (held.size < maxBlobsPerNode) {
      held.add(digest);
      this.blob(digest).holders.add(node);
    }
    this.left(node, digest);
  }

  gone(node: string, digest: string): void {
    this.held.get(node)?.delete(digest);
    this.blobs.get(digest)?.holders.delete(node);
    this.tidy(digest);
  }

  /** The node has ended what it was told to do, or waits no longer. */
  left(node: string, digest: string): void {
    const wanted = this.wanted.get(node);
    if (wanted?.delete(digest) && wanted.size === 0) this.wanted.delete(node);
    const blob = this.blobs.get(digest);
    if (!blob) return;
    if (blob.fetcher === node) blob.fetcher = undefined;
    blob.transfers.delete(node);
    blob.waiting = blob.waiting.filter((query) => query.node !== node);
    this.serve(blob);
    this.tidy(digest);
  }

  query(node: string, digest: string, answer: BlobAnswer): void {
    const wanted = this.wanted.get(node) ?? new Set();
    if (!wanted.has(digest) && wanted.size >= maxQueriesPerNode) return answer([]);
    this.wanted.set(node, wanted.add(digest));
    const blob = this.blob(digest);
    blob.transfers.delete(node);
    blob.waiting = blob.waiting.filter((query) => query.node !== node);
    blob.waiting.push({ node, answer });
    this.serve(blob);
    const isWaiting = blob.waiting.some((query) => query.node === node);
    if (isWaiting) answer([], blob.fetcher ?? [...blob.transfers.values()][0] ?? 'another node');
    this.tidy(digest);
  }

  /** Answers all who can be answered now. */
  private serve(blob: Blob): void {
    while (blob.waiting.length > 0) {
      const [query] = blob.waiting as [Query];
      const { node } = query;
      const holders = this.holdersFor(node, blob);
      const free = holders.filter(({ load }) => load < maxTransfersPerHolder);
      // Nobody waits for a node that serves no peers.
      const serves = this.addresses.has(node);
      const mayFetch = blob.fetcher === undefined || blob.fetcher === node;
      if (free.length === 0 && (holders.length > 0 || !mayFetch)) return;
      blob.waiting.shift();
      const [first] = free;
      if (first) blob.transfers.set(node, first.node);
      else if (serves) blob.fetcher = node;
      query.answer(
        free.slice(0, maxNamed).map(({ node: name, address }) => ({ node: name, address })),
      );
    }
  }

  /** Those that can serve the node, the least busy first. */
  private holdersFor(node: string, blob: Blob): { node: string; address: string; load: number }[] {
    const loads = new Map<string, number>();
    for (const holder of blob.transfers.values()) loads.set(holder, (loads.get(holder) ?? 0) + 1);
    return [...blob.holders]
      .flatMap((holder) => {
        const address = this.addresses.get(holder);
        const load = loads.get(holder) ?? 0;
        return holder === node || !address ? [] : [{ node: holder, address, load }];
      })
      .toSorted((a, b) => a.load - b.load);
  }

  private blob(digest: string): Blob {
    let blob = this.blobs.get(digest);
    if (!blob) {
      blob = { holders: new Set(), transfers: new Map(), waiting: [] };
      this.blobs.set(digest, blob);
    }
    return blob;
  }

  private forgetAll(node: string): void {
    for (const digest of this.held.get(node) ?? []) {
      this.blobs.get(digest)?.holders.delete(node);
      this.tidy(digest);
    }
    this.held.delete(node);
  }

  private tidy(digest: string): void {
    const blob = this.blobs.get(digest);
    if (!blob || blob.fetcher !== undefined) return;
    if (blob.holders.size + blob.transfers.size + blob.waiting.length === 0) {
      this.blobs.delete(digest);
    }
  }
}
