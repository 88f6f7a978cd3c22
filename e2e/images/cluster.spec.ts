import { afterAll, beforeAll, describe } from 'vitest';
import { Cluster } from '../cluster/cluster.ts';
import { distributionScenarios } from './distribution.ts';
import { verbScenarios } from './verbs.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => {
  await cluster?.close();
});

describe('gantry image', () => verbScenarios(() => cluster));
describe('layers among nodes', () => distributionScenarios(() => cluster));
