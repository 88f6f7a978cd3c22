import { readFile, stat } from 'node:fs/promises';
import { describeError, type Logger } from '@gantry/base';
import type { UserInfo } from '../api/index.js';

interface StoredToken {
  readonly hash: string;
  readonly user: string;
  readonly groups: readonly string[];
}

/**
 * Users by the SHA-256 of their bearer token, from a JSON file that is read again when it changes.
 */
export class TokenFile {
  private users: ReadonlyMap<string, UserInfo> = new Map();
  private modifiedMs = -1;

  constructor(
    private readonly path: string | undefined,
    private readonly logger: Logger,
  ) {}

  async find(hash: string): Promise<UserInfo | undefined> {
    await this.refresh();
    return this.users.get(hash);
  }

  private async refresh(): Promise<void> {
    if (!this.path) return;
    try {
      const { mtimeMs } = await stat(this.path);
      if (mtimeMs === this.modifiedMs) return;
      this.users = parse(await readFile(this.path, 'utf8'));
      this.modifiedMs = mtimeMs;
    } catch (error) {
      // Who was known stays known: a half-written file must not lock everyone out.
      this.logger.error({ err: error }, `read --token-file ${this.path}: ${describeError(error)}`);
    }
  }
}

function parse(text: string): Map<string, UserInfo> {
  const tokens = JSON.parse(text) as StoredToken[];
  if (!Array.isArray(tokens)) throw new Error('it is not a list of {hash, user, groups}');
  const entries = tokens.map(({ hash, user, groups }, index) => {
    const good = /^[0-9a-f]{64}$/.test(hash) && typeof user === 'string' && Array.isArray(groups);
    if (!good) throw new Error(`entry ${index} is not {hash (64 hex digits), user, groups}`);
    return [hash, { name: user, groups }] as const;
  });
  return new Map(entries);
}
