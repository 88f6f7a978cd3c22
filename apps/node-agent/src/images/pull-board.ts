import type { PullProgress } from '@gantry/image';

/** A pull that runs, and for whom. */
export interface BoardedPull extends PullProgress {
  readonly image: string;
  /** `pod NAMESPACE/NAME`, or the command that asked. */
  readonly usedBy: string;
}

/** All pulls of this node as they are now; read when somebody asks, so that nothing is written while they run. */
export class PullBoard {
  private readonly pulls = new Set<{ image: string; usedBy: string; progress?: PullProgress }>();

  list(): BoardedPull[] {
    return [...this.pulls].flatMap(({ image, usedBy, progress }) =>
      progress ? [{ image, usedBy, ...progress }] : [],
    );
  }

  /** Shows the pull for as long as `work` runs, which tells each progress to `note`. */
  async follow<T>(
    image: string,
    usedBy: string,
    work: (note: (progress: PullProgress) => void) => Promise<T>,
  ): Promise<T> {
    const entry: { image: string; usedBy: string; progress?: PullProgress } = { image, usedBy };
    this.pulls.add(entry);
    try {
      return await work((progress) => (entry.progress = progress));
    } finally {
      this.pulls.delete(entry);
    }
  }
}
