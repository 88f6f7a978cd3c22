import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CniNetworkConfig, CniResult } from '@gantry/runtime-client';
import { readJson, writeJson } from '../pods/record.js';
import type { AttachmentRequest } from './attachment-request.js';

/** What must be known to take a pod off the network again, whatever has happened since. */
export interface StoredAttachment extends AttachmentRequest {
  readonly netns: string;
  /** The network as it was configured then; absent: ours. */
  readonly network?: CniNetworkConfig;
  /** Absent when ADD did not come to its end. */
  readonly result?: CniResult;
}

/** The attachments of this node on disk, one file for each pod; written before anything is done. */
export class Attachments {
  constructor(private readonly dir: string) {}

  put(uid: string, attachment: StoredAttachment): Promise<void> {
    return writeJson(this.path(uid), attachment);
  }

  get(uid: string): Promise<StoredAttachment | undefined> {
    return readJson<StoredAttachment>(this.path(uid));
  }

  async list(): Promise<[string, StoredAttachment][]> {
    const names = await readdir(this.dir).catch(() => [] as string[]);
    const uids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
    const all = await Promise.all(uids.map(async (uid) => [uid, await this.get(uid)] as const));
    return all.filter((one): one is [string, StoredAttachment] => one[1] !== undefined);
  }

  async remove(uid: string): Promise<void> {
    await rm(this.path(uid), { force: true });
  }

  private path(uid: string): string {
    return join(this.dir, `${uid}.json`);
  }
}
