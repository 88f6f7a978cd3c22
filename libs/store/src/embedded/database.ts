import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { GantryError, unavailable } from '@gantry/base';
import type { Entry, LeaseId, Revision, StoreEvent } from '../store.js';

// A history row's id is revision · 256 + position in its transaction, so that one integer orders
// all changes; a transaction has at most 128 operations.
const positionBits = 8n;

const schema = `
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history(
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL, lease TEXT, value BLOB);
CREATE INDEX IF NOT EXISTS history_by_key ON history(key, id);
CREATE TABLE IF NOT EXISTS live(
  key TEXT PRIMARY KEY, id INTEGER NOT NULL, lease TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS live_by_lease ON live(lease) WHERE lease IS NOT NULL;
CREATE TABLE IF NOT EXISTS terms(id TEXT PRIMARY KEY, ends INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('format', 1), ('revision', 1), ('compacted', 0);
`;

interface Row {
  id: bigint;
  key: string;
  created: bigint;
  lease: string | null;
  value: Uint8Array | null;
}

/** The key range of a prefix; `end` is exclusive. */
export interface KeyRange {
  readonly start: string;
  readonly end: string | Uint8Array;
}

// SQLite orders every blob behind every text.
const behindAllKeys = new Uint8Array(0);

/**
 * The keys that start with `prefix`, from `start` on; UTF-8's byte order is the code points' order.
 */
export function prefixRange(prefix: string, start = prefix): KeyRange {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return { start, end: behindAllKeys };
  points.push(last === 0xd7ff ? 0xe000 : last + 1);
  return { start: start < prefix ? prefix : start, end: String.fromCodePoint(...points) };
}

function toEntry(row: Row): Entry {
  return {
    key: row.key,
    value: row.value ?? new Uint8Array(0),
    createRevision: row.created,
    modRevision: row.id >> positionBits,
    ...(row.lease === null ? {} : { leaseId: row.lease }),
  };
}

/** The tables and statements of the embedded store; everything here is synchronous. */
export class Database {
  private readonly db: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();

  /** Throws ServiceUnavailable when the file cannot be used or another process holds it. */
  constructor(readonly file: string) {
    try {
      this.db = new DatabaseSync(file, { timeout: 500 });
      // Exclusive: one process owns the file; the lock goes with the process, however it ends.
      this.db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;');
      this.db.exec('PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216;');
      this.db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
    } catch (error) {
      throw openError(file, error);
    }
    const format = this.meta('format');
    if (format !== 1n) {
      throw unavailable(`open store ${file}: its format ${format} is unknown to this version`);
    }
  }

  private statement(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.db.prepare(sql);
      statement.setReadBigInts(true);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  private rows(sql: string, ...parameters: (string | bigint | Uint8Array)[]): Row[] {
    return this.statement(sql).all(...parameters) as unknown as Row[];
  }

  begin(): void {
    this.db.exec('BEGIN IMMEDIATE');
  }

  commit(): void {
    this.db.exec('COMMIT');
  }

  rollback(): void {
    if (this.db.isTransaction) this.db.exec('ROLLBACK');
  }

  close(): void {
    this.statements.clear();
    this.db.close();
  }

  meta(name: 'format' | 'revision' | 'compacted'): bigint {
    const row = this.statement('SELECT value FROM meta WHERE name = ?').get(name);
    return row?.value as bigint;
  }

  setMeta(name: 'revision' | 'compacted', value: bigint): void {
    this.statement('UPDATE meta SET value = ? WHERE name = ?').run(value, name);
  }

  get(key: string): Entry | undefined {
    const [row] = this.rows(
      'SELECT h.* FROM live l JOIN history h ON h.id = l.id WHERE l.key = ?',
      key,
    );
    return row && toEntry(row);
  }

  range(range: KeyRange, limit: number): Entry[] {
    const sql = `SELECT h.* FROM live l JOIN history h ON h.id = l.id
      WHERE l.key >= ? AND l.key < ? ORDER BY l.key LIMIT ?`;
    return this.rows(sql, range.start, range.end, BigInt(limit)).map(toEntry);
  }

  count(range: KeyRange): number {
    const sql = 'SELECT COUNT(*) AS value FROM live WHERE key >= ? AND key < ?';
    return Number(this.statement(sql).get(range.start, range.end)?.value);
  }

  private static readonly past = `FROM history h
    WHERE h.key >= ? AND h.key < ? AND h.id < ?3 AND h.value IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM history n WHERE n.key = h.key AND n.id > h.id AND n.id < ?3)`;

  rangeAt(range: KeyRange, limit: number, revision: Revision): Entry[] {
    const sql = `SELECT h.* ${Database.past} ORDER BY h.key LIMIT ?4`;
    const before = (revision + 1n) << positionBits;
    return this.rows(sql, range.start, range.end, before, BigInt(limit)).map(toEntry);
  }

  countAt(range: KeyRange, revision: Revision): number {
    const sql = `SELECT COUNT(*) AS value ${Database.past}`;
    const before = (revision + 1n) << positionBits;
    return Number(this.statement(sql).get(range.start, range.end, before)?.value);
  }

  /** Writes one change at a revision and returns its event. */
  put(
    revision: Revision,
    position: number,
    put: { key: string; value: Uint8Array; lease?: LeaseId },
  ): StoreEvent {
    const previous = this.get(put.key);
    const id = (revision << positionBits) | BigInt(position);
    const created = previous?.createRevision ?? revision;
    const lease = put.lease ?? null;
    this.statement('INSERT INTO history VALUES (?, ?, ?, ?, ?)').run(
      id,
      put.key,
      created,
      lease,
      put.value,
    );
    this.statement('INSERT OR REPLACE INTO live VALUES (?, ?, ?)').run(put.key, id, lease);
    const entry = toEntry({ id, key: put.key, created, lease, value: put.value });
    return { type: 'put', entry, ...(previous ? { previous } : {}) };
  }

  /** Deletes one key at a revision; undefined when there is nothing to delete. */
  delete(revision: Revision, position: number, key: string): StoreEvent | undefined {
    const previous = this.get(key);
    if (!previous) return undefined;
    const id = (revision << positionBits) | BigInt(position);
    this.statement('INSERT INTO history VALUES (?, ?, 0, NULL, NULL)').run(id, key);
    this.statement('DELETE FROM live WHERE key = ?').run(key);
    return { type: 'delete', key, revision, previous };
  }

  /** Keys that hang on this lease. */
  leased(lease: LeaseId): string[] {
    return this.rows('SELECT key FROM live WHERE lease = ?', lease).map((row) => row.key);
  }

  /** Keys that hang on any lease but those that are terms. */
  leasedByProcess(): string[] {
    const sql =
      'SELECT key FROM live WHERE lease IS NOT NULL AND lease NOT IN (SELECT id FROM terms)';
    return this.rows(sql).map((row) => row.key);
  }

  addTerm(id: LeaseId, endsMs: number): void {
    this.statement('INSERT INTO terms VALUES (?, ?)').run(id, BigInt(Math.ceil(endsMs)));
  }

  hasTerm(id: LeaseId): boolean {
    return this.statement('SELECT 1 FROM terms WHERE id = ?').get(id) !== undefined;
  }

  /** Terms that are over at this time. */
  endedTerms(nowMs: number): LeaseId[] {
    const rows = this.statement('SELECT id FROM terms WHERE ends <= ?').all(BigInt(nowMs));
    return rows.map((row) => String(row['id']));
  }

  deleteTerm(id: LeaseId): void {
    this.statement('DELETE FROM terms WHERE id = ?').run(id);
  }

  /** Up to `limit` changes after a revision, whole transactions only, and how far they reach. */
  changes(range: KeyRange, after: Revision, limit: number): StoreEvent[] {
    const sql = `SELECT * FROM history WHERE id >= ? AND key >= ? AND key < ? ORDER BY id LIMIT ?`;
    const from = (after + 1n) << positionBits;
    const rows = this.rows(sql, from, range.start, range.end, BigInt(limit));
    const lastRevision = (rows.at(-1)?.id ?? 0n) >> positionBits;
    // The last transaction may have been cut by the limit.
    const whole =
      rows.length < limit ? rows : rows.filter((row) => row.id >> positionBits < lastRevision);
    return whole.map((row) => this.toEvent(row));
  }

  private toEvent(row: Row): StoreEvent {
    const sql = 'SELECT * FROM history WHERE key = ? AND id < ? ORDER BY id DESC LIMIT 1';
    const [before] = this.rows(sql, row.key, row.id);
    const previous = before?.value ? { previous: toEntry(before) } : {};
    if (row.value) return { type: 'put', entry: toEntry(row), ...previous };
    return { type: 'delete', key: row.key, revision: row.id >> positionBits, ...previous };
  }

  /** Forgets versions that were superseded at or before this revision. */
  compact(revision: Revision): void {
    const end = (revision + 1n) << positionBits;
    this.statement(
      `DELETE FROM history WHERE id < ?1 AND EXISTS
        (SELECT 1 FROM history n WHERE n.key = history.key AND n.id > history.id AND n.id < ?1)`,
    ).run(end);
    this.statement('DELETE FROM history WHERE id < ? AND value IS NULL').run(
      revision << positionBits,
    );
    this.setMeta('compacted', revision);
  }
}

function openError(file: string, error: unknown): GantryError {
  const { errcode, message } = error as { errcode?: number; message: string };
  const busy = errcode === 5;
  const why = busy ? 'another control plane is using it; stop that one first' : message;
  return unavailable(`open store ${file}: ${why}`, { cause: error });
}
