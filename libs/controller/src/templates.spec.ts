import { describe, expect, it } from 'vitest';
import { Templates } from './templates.js';

/** Small, fast and seeded, so that a failure can be repeated (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const hostile = [
  '',
  'web',
  'web-0',
  '"spec":{"nodeName":"evil"}',
  '","spec":{"nodeName":"evil"},"x":"',
  '\\',
  '\\"',
  '}}]}',
  'ünïcode',
  '\u2028',
  '😀',
  '\ud800',
  '\u0000',
  'x'.repeat(300),
  '{"metadata":{}}',
];
const plain = ['', 'a', 'web', 'node-17', '10.0.0.3', '}}],', 'x'.repeat(300)];
const keys = ['a', 'b', 'name', 'spec', 'metadata', '1', '0', 'constructor'];
const hostileKeys = [
  '__proto__',
  '"',
  'é',
  '',
  'toString',
  '\\',
  '\u2028',
  '\ud800',
  '":0}//\n',
  '${a}`',
];
const managedKeys = ['k:{"name":"main"}', 'f:a"', '.'];

class Maker {
  constructor(private readonly next: () => number) {}

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)]!;
  }

  value(depth: number): unknown {
    const kind = this.next();
    if (depth === 0 || kind < 0.5) return this.pick(hostile);
    if (kind < 0.6) return this.pick([0, -1.5e-7, true, false, null, 1e21]);
    if (kind < 0.75) return Array.from({ length: this.next() * 4 }, () => this.value(depth - 1));
    return this.object(depth);
  }

  object(depth: number): object {
    const entries = Array.from({ length: this.next() * 5 }, () => {
      const kind = this.next();
      const key = this.pick(kind < 0.9 ? keys : kind < 0.95 ? managedKeys : hostileKeys);
      return [key, this.value(depth - 1)] as const;
    });
    // As JSON.parse makes it: `__proto__` is a key like any other.
    return Object.fromEntries(entries);
  }

  /** Another object of the same structure for the most part. */
  variant(value: unknown): unknown {
    if (typeof value === 'string') {
      if (this.next() < 0.8) return value;
      return this.pick(this.next() < 0.9 ? plain : hostile);
    }
    if (typeof value !== 'object' || value === null || this.next() < 0.005) {
      return this.next() < 0.05 ? this.value(1) : value;
    }
    if (Array.isArray(value)) return value.map((each) => this.variant(each));
    return Object.fromEntries(Object.entries(value).map(([k, each]) => [k, this.variant(each)]));
  }

  /** What somebody else may have written: keys twice, escapes, spaces, bytes that are no UTF-8, an end too early. */
  distort(text: string): Buffer {
    const bytes = Buffer.from(text);
    const kind = this.next();
    if (kind < 0.7) return bytes;
    if (kind < 0.75) return Buffer.from(text.replace(/"(name|a)":/, '"$1":"first","$1":'));
    if (kind < 0.8) return Buffer.from(text.replaceAll('"name"', String.raw`"na\u006de"`));
    if (kind < 0.85) return Buffer.from(text.replace(':', ': '));
    if (kind < 0.9) return Buffer.from(text.slice(0, this.next() * text.length));
    bytes[Math.floor(this.next() * bytes.length)] = this.next() * 256;
    return bytes;
  }
}

const revision = '7';

/** As objects are decoded one at a time. */
function oracle(text: Buffer): unknown {
  const object = JSON.parse(new TextDecoder().decode(text));
  object.metadata.resourceVersion = revision;
  return object;
}

/** Values with the order of their keys. */
function outcome(make: () => unknown): string {
  try {
    return JSON.stringify(make());
  } catch {
    return 'refused';
  }
}

function pod(name: string, more: object = {}): Buffer {
  const metadata = { name, namespace: 'default', labels: { app: 'web' } };
  const spec = { containers: [{ name: 'main', image: 'web:1' }], nodeName: `node-${name}` };
  const status = { phase: 'Running', podIP: `10.0.0.${name.length}`, note: 'ready' };
  return Buffer.from(JSON.stringify({ metadata, spec, status, ...more }));
}

describe('objects read by what they have in common', () => {
  it('are what JSON.parse makes of them, whatever they hold', () => {
    let read = 0;
    for (let seed = 0; seed < 300; seed += 1) {
      const make = new Maker(random(seed));
      const templates = new Templates();
      const first = {
        metadata: { name: 'web', ...make.object(2) },
        spec: make.object(3),
        status: make.object(3),
      };
      for (let i = 0; i < 40; i += 1) {
        const text = make.distort(JSON.stringify(i === 0 ? first : make.variant(first)));
        const expected = outcome(() => oracle(text));
        const found = outcome(() => {
          const alike = templates.read('pods/web-0', text, revision);
          if (alike) read += 1;
          return alike ?? oracle(text);
        });
        expect(found, `seed ${seed}, object ${i}: ${text.toString()}`).toBe(expected);
      }
    }
    // Or nothing was tested.
    expect(read).toBeGreaterThan(2_000);
  });

  it('keep a key `__proto__` for what it is', () => {
    const templates = new Templates();
    const labels = `{"__proto__":{"polluted":"yes"},"app":"a"}`;
    const text = (app: string) =>
      Buffer.from(`{"metadata":{"name":"${app}","labels":${labels}},"spec":{},"x":"${app}"}`);
    for (const app of ['a', 'b', 'c', 'd']) {
      const object = templates.read('pods/a-1', text(app), revision) ?? oracle(text(app));
      expect(JSON.stringify(object)).toBe(JSON.stringify(oracle(text(app))));
      expect(Object.getPrototypeOf((object as { metadata: object }).metadata)).toBe(
        Object.prototype,
      );
    }
  });

  it('share what is below their spec, and nobody can change that', () => {
    const templates = new Templates();
    templates.read('pods/web-1', pod('a'), '1');
    const [b, c] = ['bb', 'ccc'].map((name) => {
      return templates.read('pods/web-2', pod(name), '2') as unknown as {
        metadata: { name: string; labels: object };
        spec: { containers: { image: string }[]; nodeName: string };
      };
    });
    expect([b!.metadata.name, c!.metadata.name]).toEqual(['bb', 'ccc']);
    expect([b!.spec.nodeName, c!.spec.nodeName]).toEqual(['node-bb', 'node-ccc']);
    expect(b!.spec).not.toBe(c!.spec);
    expect(b!.spec.containers).toBe(c!.spec.containers);
    expect(b!.metadata.labels).toBe(c!.metadata.labels);
    expect(() => (b!.spec.containers[0]!.image = 'other')).toThrow(TypeError);
  });

  it('may have managed fields, whose keys have escapes', () => {
    const templates = new Templates();
    const f = { 'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:image': {} } } };
    const text = (name: string, time: string) => {
      const managedFields = [{ manager: 'kubectl', time, fieldsV1: { 'f:spec': f } }];
      return Buffer.from(JSON.stringify({ metadata: { name, managedFields }, spec: { f } }));
    };
    templates.read('pods/web-1', text('a', '1'), '1');
    const alike = ['b', 'c'].map((name) => templates.read('pods/web-2', text(name, name), '7'));
    expect(alike).toEqual(['b', 'c'].map((name) => oracle(text(name, name))));
  });

  it('of another spec are never read as one of before', () => {
    const templates = new Templates();
    for (const name of ['a', 'b', 'c']) templates.read('pods/web-1', pod(name), '1');
    const other = pod('d', { spec: { containers: [{ name: 'main', image: 'web:2' }] } });
    const object = templates.read('pods/web-1', other, revision) ?? oracle(other);
    expect(object).toEqual(oracle(other));
  });
});
