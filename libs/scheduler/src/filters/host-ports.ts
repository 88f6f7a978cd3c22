import { portText, portsConflict } from '../host-ports.js';
import { nameList, plural, type Filter } from './filter.js';

const name = 'hostPorts';

/** Two pods cannot listen on the same port of one node. */
export const hostPortsFilter: Filter = {
  name,
  reads: 'usage',
  prepare({ portHolders }, { podClass: { ports } }) {
    if (ports.length === 0) return undefined;
    const taken = (slot: number) => {
      for (const holder of portHolders[slot] ?? []) {
        const clash = ports.find((port) => holder.ports.some((p) => portsConflict(p, port)));
        if (clash) return clash;
      }
      return undefined;
    };
    return {
      fits: (slot) => taken(slot) === undefined,
      refusals(slot) {
        const port = taken(slot);
        if (!port) return [];
        const reason = `host port ${portText(port)}`;
        return [{ filter: name, reason, message: `${reason} is taken` }];
      },
    };
  },
  phrase(refused) {
    const count = refused.length;
    const { reason } = refused[0]!.refusal;
    return `${count} ${plural(count, 'has', 'have')} ${reason} taken already`;
  },
  suggest: (refused) =>
    `free ${refused[0]!.refusal.reason} on ${nameList(refused.map((r) => r.node))}`,
};
