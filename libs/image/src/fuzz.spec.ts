import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TarIndex } from './archive/tar-index.js';
import { ImageError } from './errors.js';
import { checkRunnable, maxConfigBytes, parseConfig, parseManifest } from './manifest.js';
import { selectPlatform } from './platform.js';
import { formatReference, isDigest, parseReference } from './reference.js';
import { parseChallenges } from './registry/challenge.js';
import type { ImageManifest } from './types.js';

/** Longer on demand: GANTRY_FUZZ_SECONDS=600 npx vitest run libs/image/src/fuzz.spec.ts */
const seconds = Number(process.env['GANTRY_FUZZ_SECONDS'] ?? 0);
const bounds = seconds
  ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000 }
  : { numRuns: 1500, seed: 4 };
const timeout = seconds * 1000 + 60_000;
/** No input may hold the process for longer. */
const inputLimitMs = 300;

const digest = `sha256:${'a'.repeat(64)}`;
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';
const descriptor = { mediaType: layerType, digest, size: 5 };
const manifest = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 7 },
  layers: [descriptor, descriptor],
  annotations: { a: 'b' },
};
const index = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [{ ...descriptor, platform: { os: 'linux', architecture: 'amd64', variant: 'v8' } }],
};
const config = {
  os: 'linux',
  architecture: 'amd64',
  rootfs: { type: 'layers', diff_ids: [digest, digest] },
  config: { Env: ['A=b'], Cmd: ['sh'], Entrypoint: null, User: '1:2', WorkingDir: '/' },
  history: [{ created_by: 'x' }],
};

const odd = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  fc.constantFrom<unknown>(
    null,
    -1,
    0.5,
    2 ** 53,
    '',
    '../../x',
    'sha256:',
    [],
    {},
    [[[[]]]],
    maxConfigBytes + 1,
  ),
  fc.constant({ __proto__: null, constructor: 'x', toString: 1 }),
);

/** The places of a document, as paths from its root. */
function paths(value: unknown, at: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...at]];
  const inner = Object.entries(value).flatMap(([key, item]) => paths(item, [...at, key]));
  return [[...at], ...inner];
}

function replaced(value: unknown, path: readonly string[], by: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined || typeof value !== 'object' || value === null) return by;
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...value] as unknown as Record<string, unknown>)
    : { ...value };
  if (rest.length === 0 && by === undefined) delete copy[key];
  else copy[key] = replaced(copy[key], rest, by);
  return copy;
}

/** Documents that are as the given ones but for a few values, also cut and with foreign bytes. */
function damaged(...documents: readonly unknown[]): fc.Arbitrary<Uint8Array> {
  const changes = fc.array(fc.tuple(fc.nat(), fc.option(odd, { nil: undefined })), {
    minLength: 1,
    maxLength: 3,
  });
  const document = fc.tuple(fc.constantFrom(...documents), changes).map(([start, list]) =>
    list.reduce<unknown>((value, [place, by]) => {
      const all = paths(value);
      return replaced(value, all[place % all.length]!, by);
    }, start),
  );
  const text = document.map((value) => Buffer.from(JSON.stringify(value) ?? ''));
  const cut = fc
    .tuple(text, fc.nat(), fc.uint8Array({ maxLength: 8 }))
    .map(([bytes, at, noise]) =>
      Buffer.concat([bytes.subarray(0, at % (bytes.length + 1)), noise, bytes.subarray(at % 97)]),
    );
  return fc.oneof({ weight: 5, arbitrary: text }, cut, fc.uint8Array({ maxLength: 300 }));
}

/** Runs it; undefined when it refused, as it may. Anything but an ImageError fails the test. */
function attempt<T>(parse: () => T): T | undefined {
  const start = performance.now();
  try {
    return parse();
  } catch (error) {
    expect(error).toBeInstanceOf(ImageError);
    return undefined;
  } finally {
    expect(performance.now() - start).toBeLessThan(inputLimitMs);
  }
}

describe('what a registry or an archive says', () => {
  test('is a checked manifest or index, or is refused', { timeout }, () => {
    let accepted = 0;
    const type = fc.option(fc.constantFrom(manifest.mediaType, index.mediaType, 'text/html'), {
      nil: undefined,
    });
    const property = fc.property(damaged(manifest, index), type, (bytes, contentType) => {
      const found = attempt(() => parseManifest('x', bytes, contentType));
      if (!found) return;
      accepted += 1;
      const parts =
        'index' in found
          ? found.index.manifests
          : [found.manifest.config, ...found.manifest.layers];
      for (const part of parts) {
        expect(isDigest(part.digest)).toBe(true);
        expect(Number.isSafeInteger(part.size) && part.size >= 0).toBe(true);
        expect(typeof part.mediaType).toBe('string');
      }
      if ('manifest' in found) attempt(() => checkRunnable('x', found.manifest));
      else attempt(() => selectPlatform('x', found.index, { os: 'linux', architecture: 'arm64' }));
    });
    fc.assert(property, bounds);
    expect(accepted).toBeGreaterThan(100);
  });

  test('is a checked configuration, or is refused', { timeout }, () => {
    let accepted = 0;
    const property = fc.property(damaged(config), (bytes) => {
      const image = manifest as unknown as ImageManifest;
      const found = attempt(() => parseConfig('x', bytes, image));
      if (!found) return;
      accepted += 1;
      expect(found.rootfs.diff_ids).toHaveLength(image.layers.length);
      for (const list of [found.config?.Env, found.config?.Cmd, found.config?.Entrypoint]) {
        expect((list ?? []).every((item) => typeof item === 'string')).toBe(true);
      }
    });
    fc.assert(property, bounds);
    expect(accepted).toBeGreaterThan(100);
  });

  test('asks for what can be understood, soon', { timeout }, () => {
    const word = fc.constantFrom('Bearer', 'realm', '="x"', '"', '\\', ',', ' ', '=', 'é', '  ,');
    const header = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.array(word, { maxLength: 60 }).map((words) => words.join('')),
      fc.tuple(word, fc.nat(15_000)).map(([text, times]) => text.repeat(times).slice(0, 16_000)),
    );
    const property = fc.property(header, (text) => {
      for (const { scheme } of attempt(() => parseChallenges(text)) ?? []) {
        expect(scheme).toMatch(/^[a-z][\w-]*$/);
      }
    });
    fc.assert(property, bounds);
  });
});

test('what fuzzing has found stays found', () => {
  const start = performance.now();
  expect(parseChallenges(' '.repeat(16_000))).toEqual([]);
  expect(performance.now() - start).toBeLessThan(100);
  const platform = { os: { toString: 1 }, architecture: 'amd64' };
  const bytes = Buffer.from(JSON.stringify({ ...index, manifests: [{ ...descriptor, platform }] }));
  expect(() => parseManifest('x', bytes)).toThrow('the os of a platform is not a string');
});

test('a name is understood the same when it is written again', { timeout }, () => {
  const piece = fc.constantFrom(
    'a',
    'B',
    '.',
    '/',
    ':',
    '@',
    '-',
    '_',
    '__',
    '5000',
    digest,
    '[::1]',
  );
  const names = fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    fc.string({ maxLength: 100 }),
    fc.tuple(piece, fc.nat(5000)).map(([text, times]) => text.repeat(times)),
  );
  const property = fc.property(names, (text) => {
    const found = attempt(() => parseReference(text));
    if (found) expect(parseReference(formatReference(found))).toEqual(found);
  });
  fc.assert(property, bounds);
});

describe('an archive', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gantry-fuzz-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  function header(name: string, type: string, size: number, link: string): Buffer {
    const block = Buffer.alloc(512);
    block.write(name.slice(0, 100), 0);
    block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    block.write(type, 156);
    block.write(link.slice(0, 100), 157);
    block.fill(' ', 148, 156);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return block;
  }

  const name = fc.constantFrom('index.json', 'blobs/a', '../x', '/etc/passwd', 'l', './l', '', 'é');
  const member = fc
    .record({
      name,
      link: name,
      type: fc.constantFrom('0', '2', 'L', 'x', 'g', '5', '\0'),
      body: fc.uint8Array({ maxLength: 600 }),
      claimed: fc.option(fc.nat(2 ** 33 - 1), { nil: undefined, freq: 8 }),
    })
    .map(({ name: own, link, type, body, claimed }) => {
      const padded = Buffer.alloc(Math.ceil(body.length / 512) * 512);
      padded.set(body);
      return Buffer.concat([header(own, type, claimed ?? body.length, link), padded]);
    });
  const archives = fc.tuple(
    fc.array(member, { maxLength: 6 }),
    fc.option(fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 4 })), { nil: undefined, freq: 3 }),
  );

  test('is indexed within its own bounds, or is refused', { timeout }, async () => {
    const path = join(dir, 'a.tar');
    const property = fc.asyncProperty(archives, async ([members, noise]) => {
      const bytes = Buffer.concat([...members, Buffer.alloc(1024)]);
      if (noise) bytes.set(noise[1], noise[0] % (bytes.length - 4));
      await writeFile(path, bytes);
      const found = await TarIndex.read(path).catch((error: unknown) => error);
      if (!(found instanceof TarIndex)) {
        expect(found).toBeInstanceOf(ImageError);
        return;
      }
      for (const wanted of ['index.json', 'blobs/a', 'l', '../x', 'constructor', '__proto__']) {
        const range = found.find(wanted);
        if (range) expect(range.start + range.size).toBeLessThanOrEqual(bytes.length);
      }
    });
    await fc.assert(property, { ...bounds, ...(seconds ? {} : { numRuns: 400 }) });
  });
});
