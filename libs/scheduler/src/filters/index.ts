import type { Filter } from './filter.js';
import { hostPortsFilter } from './host-ports.js';
import { nodeAffinityFilter } from './node-affinity.js';
import { nodeNameFilter } from './node-name.js';
import { podAffinityFilter } from './pod-affinity.js';
import { resourcesFilter } from './resources.js';
import { taintsFilter } from './taints.js';
import { topologySpreadFilter } from './topology-spread.js';
import { volumesFilter } from './volumes.js';
import { unschedulableFilter } from './unschedulable.js';

/** In the order in which a person hears of them: a node counts under the first that refuses it. */
export const defaultFilters: readonly Filter[] = [
  nodeNameFilter,
  unschedulableFilter,
  taintsFilter,
  nodeAffinityFilter,
  volumesFilter,
  resourcesFilter,
  hostPortsFilter,
  podAffinityFilter,
  topologySpreadFilter,
];
