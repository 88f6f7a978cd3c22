/**
 * Does one thing `count` times in batches of `first` (1), twice as many, and so on: what fails for one reason fails
 * for all, and is then tried once instead of hundreds of times. Stops at the batch that fails.
 */
export async function slowStart(
  count: number,
  action: (batch: number) => Promise<void>,
  first = 1,
): Promise<void> {
  let left = count;
  for (let size = first; left > 0; size *= 2) {
    const batch = Math.min(size, left);
    await action(batch);
    left -= batch;
  }
}
