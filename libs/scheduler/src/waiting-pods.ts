/** Pods whose node is not known yet, by the node's name and the other way round. */
export class WaitingPods {
  private readonly byNode = new Map<string, Set<number>>();
  private readonly nodeNames = new Map<number, string>();

  add(number: number, nodeName: string): void {
    const waiting = this.byNode.get(nodeName) ?? new Set();
    this.byNode.set(nodeName, waiting.add(number));
    this.nodeNames.set(number, nodeName);
  }

  remove(number: number): void {
    const nodeName = this.nodeNames.get(number)!;
    this.nodeNames.delete(number);
    const waiting = this.byNode.get(nodeName);
    waiting?.delete(number);
    if (waiting?.size === 0) this.byNode.delete(nodeName);
  }

  /** The node that this pod waits for. */
  nodeName(number: number): string {
    return this.nodeNames.get(number)!;
  }

  /** Takes out all that wait for this node. */
  take(nodeName: string): number[] {
    const numbers = [...(this.byNode.get(nodeName) ?? [])];
    for (const number of numbers) this.remove(number);
    return numbers;
  }
}
