/**
 * Values that were set or found lately, up to so many bytes. In two generations: an old one goes as a whole, which a map
 * does at once, while one that is emptied from its front takes longer and longer to find where that is.
 */
export class RecentlyUsed<V> {
  private young = new Map<string, { readonly value: V; readonly bytes: number }>();
  private old = new Map<string, { readonly value: V; readonly bytes: number }>();
  private youngBytes = 0;

  constructor(private readonly maxBytes: number) {}

  get(key: string): V | undefined {
    const known = this.young.get(key);
    if (known) return known.value;
    const older = this.old.get(key);
    if (older) this.set(key, older.value, older.bytes);
    return older?.value;
  }

  /** A key stands for one value for good. */
  set(key: string, value: V, bytes: number): void {
    this.young.set(key, { value, bytes });
    this.youngBytes += bytes;
    if (this.youngBytes <= this.maxBytes / 2) return;
    this.old = this.young;
    this.young = new Map();
    this.youngBytes = 0;
  }
}
