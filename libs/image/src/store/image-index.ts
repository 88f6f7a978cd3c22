import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '../errors.js';
import { hasErrno, storeError, writeDurably } from './files.js';

/** One image of the store, by the digest of its own (platform's) manifest. */
export interface ImageRecord {
  readonly manifestDigest: string;
  /** What the name was resolved to: an index's digest or the manifest's own. */
  readonly targetDigest: string;
  readonly imageId: string;
  readonly pulledAtMs: number;
  /** Name of the layer on top that is this image's own, when it needs one (see ContentStore.fixupPath). */
  readonly fixup?: string;
  lastUsedAtMs: number;
  /** Never collected: what an air-gapped site cannot pull again. */
  pinned?: boolean;
}

interface IndexFile {
  readonly version: 1;
  /** Full reference to manifest digest. */
  readonly names: Record<string, string>;
  readonly images: Record<string, ImageRecord>;
}

/** Names and images of the store in one small file that is replaced as a whole. */
export class ImageIndex {
  private names = new Map<string, string>();
  private images = new Map<string, ImageRecord>();
  private saving: Promise<void> = Promise.resolve();

  constructor(private readonly dir: string) {}

  private get path(): string {
    return join(this.dir, 'index.json');
  }

  async open(): Promise<void> {
    try {
      const file = JSON.parse(await readFile(this.path, 'utf8')) as IndexFile;
      this.names = new Map(Object.entries(file.names));
      this.images = new Map(Object.entries(file.images));
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return;
      const hint = 'move it away and pull again; layers that are present are not downloaded twice';
      throw new ImageError('internal', `cannot read ${this.path}; ${hint}`, { cause: error });
    }
  }

  /** By full reference, `name@digest`, or the bare digest of index, manifest or configuration. */
  find(reference: string): ImageRecord | undefined {
    const named = this.names.get(reference);
    if (named !== undefined) return this.images.get(named);
    const digest = reference.slice(reference.indexOf('@') + 1);
    for (const image of this.images.values()) {
      const own = [image.manifestDigest, image.targetDigest, image.imageId];
      if (own.includes(digest)) return image;
    }
    return undefined;
  }

  entries(): { name: string; image: ImageRecord }[] {
    return [...this.names].flatMap(([name, digest]) => {
      const image = this.images.get(digest);
      return image ? [{ name, image }] : [];
    });
  }

  allImages(): ImageRecord[] {
    return [...this.images.values()];
  }

  namesOf(image: ImageRecord): string[] {
    return [...this.names].filter(([, d]) => d === image.manifestDigest).map(([name]) => name);
  }

  /** Kept in memory until the next save: the exact moment matters little, a write per use would. */
  touch(image: ImageRecord, nowMs: number): void {
    image.lastUsedAtMs = nowMs;
  }

  async pin(image: ImageRecord, pinned: boolean): Promise<void> {
    image.pinned = pinned;
    await this.save();
  }

  async put(name: string, image: ImageRecord): Promise<void> {
    this.names.set(name, image.manifestDigest);
    // What was pinned stays so when it is pulled or loaded once more.
    image.pinned ??= this.images.get(image.manifestDigest)?.pinned;
    this.images.set(image.manifestDigest, image);
    await this.save();
  }

  async removeName(name: string): Promise<boolean> {
    if (!this.names.delete(name)) return false;
    await this.save();
    return true;
  }

  async removeImages(images: readonly ImageRecord[]): Promise<void> {
    if (images.length === 0) return;
    for (const image of images) {
      for (const name of this.namesOf(image)) this.names.delete(name);
      this.images.delete(image.manifestDigest);
    }
    await this.save();
  }

  /** One write at a time, each of the state at its own start. */
  save(): Promise<void> {
    const write = () => {
      const file: IndexFile = {
        version: 1,
        names: Object.fromEntries(this.names),
        images: Object.fromEntries(this.images),
      };
      return writeDurably(this.path, `${JSON.stringify(file, undefined, 1)}\n`);
    };
    const result = this.saving.then(write);
    this.saving = result.catch(() => {});
    return result.catch((error) => {
      throw storeError('save the image index', error);
    });
  }
}
