/** An IPv4 range: first address and prefix length. */
interface Range {
  readonly first: number;
  readonly bits: number;
}

/** Undefined for what is no IPv4 range. */
function rangeFrom(text: string): Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const octets = match?.slice(1, 5).map(Number) ?? [];
  const bits = Number(match?.[5]);
  if (!match || bits > 32 || octets.some((octet) => octet > 255)) return undefined;
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return { first: address - (address % 2 ** (32 - bits)), bits };
}

function parseRange(text: string): Range {
  const range = rangeFrom(text);
  if (range) return range;
  throw new RangeError(`${JSON.stringify(text)} is not an IPv4 range such as 10.42.0.0/16`);
}

function textOf({ first, bits }: Range): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${octets.join('.')}/${bits}`;
}

interface Assigned {
  readonly text: string;
  /** Undefined where it cannot overlap the cluster's, as an IPv6 range. */
  readonly range: Range | undefined;
}

/** Hands out parts of the cluster's range, the lowest free one first. */
export class PodCidrs {
  private readonly cluster: Range;
  /** For each part, how many owners' ranges overlap it. */
  private readonly owners: Uint16Array;
  private readonly assigned = new Map<string, Assigned>();

  /** `nodeBits` is the prefix length of each node's part. */
  constructor(
    clusterCidr: string,
    private readonly nodeBits: number,
  ) {
    this.cluster = parseRange(clusterCidr);
    this.owners = new Uint16Array(2 ** (nodeBits - this.cluster.bits));
  }

  /** The owner has this range from now on, wherever it lies, or none. */
  assign(owner: string, text: string | undefined): void {
    const known = this.assigned.get(owner);
    if (known?.text === text) return;
    if (known) this.count(known.range, -1);
    this.assigned.delete(owner);
    if (text === undefined) return;
    const range = rangeFrom(text);
    this.assigned.set(owner, { text, range });
    this.count(range, 1);
  }

  /** Gives the owner the lowest part that overlaps nobody's; undefined when all are taken. */
  allocate(owner: string): string | undefined {
    const free = this.owners.indexOf(0);
    if (free < 0) return undefined;
    const first = this.cluster.first + free * this.partSize;
    const range = textOf({ first, bits: this.nodeBits });
    this.assign(owner, range);
    return range;
  }

  /** What the owner has. */
  get(owner: string): string | undefined {
    return this.assigned.get(owner)?.text;
  }

  private get partSize(): number {
    return 2 ** (32 - this.nodeBits);
  }

  private count(range: Range | undefined, delta: 1 | -1): void {
    if (!range) return;
    const { first, bits } = range;
    const offset = first - this.cluster.first;
    const from = Math.max(0, Math.floor(offset / this.partSize));
    const last = Math.floor((offset + 2 ** (32 - bits) - 1) / this.partSize);
    const to = Math.min(last, this.owners.length - 1);
    for (let i = from; i <= to; i++) this.owners[i]! += delta;
  }
}
