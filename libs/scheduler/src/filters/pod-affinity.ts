import { noDomain } from '../topology/domains.js';
import { nameList, plural, type Filter, type Refusal } from './filter.js';

const name = 'podAffinity';

function refusal(reason: string, message: string): Refusal {
  return { filter: name, reason, message };
}

/** Required pod affinity and anti-affinity, the pod's own and those that placed pods carry against it. */
export const podAffinityFilter: Filter = {
  name,
  reads: 'cluster',
  readsOnlyLabels: true,
  labels(_snapshot, { podClass, labelSet }) {
    const { affinity = [], antiAffinity = [] } = podClass.topology ?? {};
    const { repelledBy } = labelSet.membership;
    return [
      ...[...affinity, ...antiAffinity].map((term) => term.topologyKey),
      ...repelledBy.map(({ counter }) => counter.domains.key),
    ];
  },
  prepare(_snapshot, { podClass, labelSet }) {
    const { affinity = [], antiAffinity = [], affinityMatchesSelf } = podClass.topology ?? {};
    const { repelledBy } = labelSet.membership;
    if (affinity.length + antiAffinity.length + repelledBy.length === 0) return undefined;
    const startsSeries = () =>
      affinityMatchesSelf === true && affinity.every((t) => t.counted.counter.total === 0);
    const refusals = (slot: number): Refusal[] => {
      const found: Refusal[] = [];
      const isFirst = startsSeries();
      for (const { counted, topologyKey } of affinity) {
        const { counter } = counted;
        if (counter.domains.domainOf[slot] === noDomain) {
          found.push(refusal(`label ${topologyKey}`, `has no label ${topologyKey}`));
        } else if (!isFirst && counter.at(slot) === 0) {
          found.push(
            refusal(`affinity by ${topologyKey}`, `no matching pod in its ${topologyKey}`),
          );
        }
      }
      for (const { counted, topologyKey } of antiAffinity) {
        if (counted.counter.at(slot) === 0) continue;
        const message = `a pod that this one avoids is in its ${topologyKey}`;
        found.push(refusal(`anti-affinity by ${topologyKey}`, message));
      }
      for (const { counter } of repelledBy) {
        if (counter.at(slot) === 0) continue;
        const { key } = counter.domains;
        found.push(refusal(`carried by ${key}`, `a pod in its ${key} avoids this one`));
      }
      return found;
    };
    const isNear = (slot: number) => {
      const isFirst = startsSeries();
      return affinity.every(
        ({ counted: { counter } }) =>
          counter.domains.domainOf[slot] !== noDomain && (isFirst || counter.at(slot) > 0),
      );
    };
    const fits = (slot: number) => {
      for (const { counted } of antiAffinity) if (counted.counter.at(slot) > 0) return false;
      for (const { counter } of repelledBy) if (counter.at(slot) > 0) return false;
      return affinity.length === 0 || isNear(slot);
    };
    return { fits, refusals };
  },
  phrase(refused) {
    const count = refused.length;
    const [sort, key] = [
      refused[0]!.refusal.reason.split(' ')[0],
      refused[0]!.refusal.reason.split(' ').at(-1),
    ];
    if (sort === 'label') return `${count} ${plural(count, 'lacks', 'lack')} the label ${key}`;
    if (sort === 'affinity')
      return `${count} ${plural(count, 'has', 'have')} no pod in the same ${key} that the pod affinity asks for`;
    if (sort === 'anti-affinity')
      return `${count} ${plural(count, 'has', 'have')} a pod in the same ${key} that the pod anti-affinity avoids`;
    return `${count} ${plural(count, 'has', 'have')} a pod in the same ${key} whose anti-affinity avoids this one`;
  },
  suggest(refused) {
    const { reason } = refused[0]!.refusal;
    if (reason.startsWith('affinity')) return undefined;
    const names = nameList(refused.map((r) => r.node));
    return reason.startsWith('label')
      ? `label ${names} with ${reason.slice('label '.length)}`
      : `add a node in another ${reason.split(' ').at(-1)}`;
  },
};
