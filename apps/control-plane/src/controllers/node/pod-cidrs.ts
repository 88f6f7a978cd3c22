/** An IPv4 range: first address and prefix length. */
interface Range {
  readonly first: number;
  readonly bits: number;
}

function parseRange(text: string): Range {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const octets = match?.slice(1, 5).map(Number) ?? [];
  const bits = Number(match?.[5]);
  if (!match || bits > 32 || octets.some((octet) => octet > 255)) {
    throw new RangeError(`${JSON.stringify(text)} is not an IPv4 range such as 10.42.0.0/16`);
  }
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return { first: address - (address % 2 ** (32 - bits)), bits };
}

function textOf({ first, bits }: Range): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${octets.join('.')}/${bits}`;
}

/** Hands out parts of the cluster's range, the lowest free one first. */
export class PodCidrs {
  private readonly cluster: Range;
  private readonly count: number;

  /** `nodeBits` is the prefix length of each node's part. */
  constructor(
    clusterCidr: string,
    private readonly nodeBits: number,
  ) {
    this.cluster = parseRange(clusterCidr);
    this.count = 2 ** (nodeBits - this.cluster.bits);
  }

  /** The lowest part that overlaps none of `taken`; undefined when all are taken. */
  allocate(taken: readonly string[]): string | undefined {
    const size = 2 ** (32 - this.nodeBits);
    const used = new Set<number>();
    for (const { first, bits } of taken.map(parseRange)) {
      const from = Math.floor((first - this.cluster.first) / size);
      const to = Math.floor((first + 2 ** (32 - bits) - 1 - this.cluster.first) / size);
      for (let i = Math.max(0, from); i <= Math.min(to, this.count - 1); i++) used.add(i);
    }
    for (let i = 0; i < this.count; i++) {
      if (!used.has(i))
        return textOf({ first: this.cluster.first + i * size, bits: this.nodeBits });
    }
    return undefined;
  }
}
