import type {
  AgentMessage,
  BlobSources__Output,
  Peer__Output,
  PeerVerdict__Output,
} from '@gantry/agent-protocol';

/** How an answer is got from the control plane. */
export interface DeskLink {
  readonly connected: boolean;
  send(message: AgentMessage): void;
}

/** The control plane answers at once; without an answer by then the registry is asked, in milliseconds. */
const answerMs = 2_000;
/** A verdict holds for so long, in milliseconds. */
const allowedMs = 60_000;
const refusedMs = 2_000;
const maxVerdicts = 10_000;
/** Digests in one message. */
const batch = 5_000;

interface Verdict {
  readonly refusal: Promise<string>;
  endMs: number;
}

type Listener = (sources: BlobSources__Output) => void;

/** What the agent and the control plane have to say to each other about blobs: who has which, and who may have which. */
export class BlobDesk {
  private readonly queries = new Map<number, Listener>();
  private readonly checks = new Map<number, (refusal: string) => void>();
  private readonly verdicts = new Map<string, Verdict>();
  private sequence = 0;

  constructor(private readonly link: () => DeskLink | undefined) {}

  sources(message: BlobSources__Output): void {
    this.queries.get(message.id)?.(message);
  }

  verdict({ id, refusal }: PeerVerdict__Output): void {
    this.checks.get(id)?.(refusal);
  }

  /** The link is down: whoever waits turns to the registry. */
  disconnected(): void {
    for (const listen of this.queries.values()) listen({ id: 0, peers: [], waitingFor: '' });
    for (const settle of this.checks.values()) settle('the control plane is not reached');
    this.verdicts.clear();
  }

  /** Those to ask for the blob, none for the registry; waits at most `waitMs` for one that fetches it. */
  async find(
    digest: string,
    waitMs: number,
    { signal, onWait }: { signal?: AbortSignal; onWait?: (why: string) => void },
  ): Promise<readonly Peer__Output[]> {
    const link = this.link();
    if (!link?.connected) return [];
    const id = (this.sequence += 1);
    const found = Promise.withResolvers<readonly Peer__Output[]>();
    const giveUp = () => {
      this.report({ left: [digest] });
      found.resolve([]);
    };
    let timer = setTimeout(giveUp, answerMs);
    const abort = () => found.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    this.queries.set(id, ({ peers, waitingFor }) => {
      if (!waitingFor) return found.resolve(peers);
      clearTimeout(timer);
      timer = setTimeout(giveUp, waitMs);
      onWait?.(`waiting for node ${waitingFor}, which fetches it for all`);
    });
    link.send({ blobQuery: { id, digest } });
    try {
      return await found.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      this.queries.delete(id);
    }
  }

  report(report: { have?: string[]; gone?: string[]; left?: string[] }): void {
    const link = this.link();
    if (link?.connected) link.send({ blobReport: report });
  }

  /** Tells all that is here, for a control plane that knows nothing yet. */
  inventory(digests: readonly string[]): void {
    const link = this.link();
    if (!link?.connected) return;
    link.send({ blobReport: { reset: true, have: digests.slice(0, batch) } });
    for (let at = batch; at < digests.length; at += batch) {
      link.send({ blobReport: { have: digests.slice(at, at + batch) } });
    }
  }

  /** Why the node may not have blobs of the image; empty when it may. */
  async refusal(nodeName: string, image: string): Promise<string> {
    const key = `${nodeName} ${image}`;
    const known = this.verdicts.get(key);
    if (known && known.endMs > Date.now()) return known.refusal;
    if (this.verdicts.size >= maxVerdicts) this.verdicts.clear();
    const verdict = { refusal: this.ask(nodeName, image), endMs: Date.now() + allowedMs };
    this.verdicts.set(key, verdict);
    const refusal = await verdict.refusal;
    if (refusal) verdict.endMs = Date.now() + refusedMs;
    return refusal;
  }

  private async ask(nodeName: string, image: string): Promise<string> {
    const link = this.link();
    if (!link?.connected) return 'the control plane is not reached';
    const id = (this.sequence += 1);
    const settled = Promise.withResolvers<string>();
    const late = () => settled.resolve('the control plane does not answer');
    const timer = setTimeout(late, answerMs);
    this.checks.set(id, (refusal) => settled.resolve(refusal));
    link.send({ peerCheck: { id, nodeName, image } });
    try {
      return await settled.promise;
    } finally {
      clearTimeout(timer);
      this.checks.delete(id);
    }
  }
}
