const binaryUnits = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
/** What others leave of cpu and memory is told like those. */
const reclaimable = /^gantry\.dev\/reclaimable-/;
const byteResources = new Set(['memory', 'ephemeral-storage', 'storage']);

function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < binaryUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  // Cut, not rounded: a free amount must never read larger than it is.
  return `${Math.floor(value * 10) / 10}${binaryUnits[unit]}`;
}

/** An amount as a person writes it and as the API takes it: `500m`, `1.2Gi`, `4`; never more than it is. */
export function amountText(name: string, amount: number): string {
  const resource = name.replace(reclaimable, '');
  if (resource === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  return byteResources.has(resource) || resource.startsWith('hugepages-')
    ? bytesText(amount)
    : String(amount);
}

/** A resource's name within a sentence. */
export function resourceLabel(resource: string): string {
  return resource === 'pods' ? 'room for pods' : resource.replace(reclaimable, 'reclaimable ');
}
