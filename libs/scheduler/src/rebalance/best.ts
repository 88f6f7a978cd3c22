/** The best few of many, the best first; of equals the one that came first. */
export class Best<T> {
  readonly items: T[] = [];
  private readonly worths: number[] = [];

  constructor(private readonly count: number) {}

  /** Nothing that is worth no more than this is among the best. */
  get least(): number {
    return this.items.length < this.count ? 0 : this.worths.at(-1)!;
  }

  add(worth: number, item: T): void {
    if (worth <= this.least) return;
    let at = this.items.length;
    while (at > 0 && this.worths[at - 1]! < worth) at--;
    this.worths.splice(at, 0, worth);
    this.items.splice(at, 0, item);
    if (this.items.length <= this.count) return;
    this.items.pop();
    this.worths.pop();
  }
}
