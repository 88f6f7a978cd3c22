/**
 * Does one thing `count` times in batches of 1, 2, 4 …: what fails for one reason fails for all, and is then
 * tried once instead of hundreds of times. Stops after the batch in which something failed and throws that.
 */
export async function slowStart(count: number, action: () => Promise<void>): Promise<void> {
  let left = count;
  for (let size = 1; left > 0; size *= 2) {
    const batch = Math.min(size, left);
    const results = await Promise.allSettled(Array.from({ length: batch }, action));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    left -= batch;
  }
}
