import { expect, test } from 'vitest';
import { pod, snapshotOf, verdicts, type PodFixture } from '../fixtures.js';
import { hostPortsFilter } from './host-ports.js';

type Ports = PodFixture['hostPorts'];

const cases: [taken: Ports, asked: Ports, verdict: string][] = [
  [[], [80], 'ok'],
  [[80], [], 'ok'],
  [[80], [80], 'host port 80/TCP is taken'],
  [[80], [81, 80], 'host port 80/TCP is taken'],
  [[80], [{ hostPort: 80, protocol: 'UDP' }], 'ok'],
  [[80], [{ hostPort: 80, hostIP: '10.0.0.1' }], 'host port 10.0.0.1:80/TCP is taken'],
  [[{ hostPort: 80, hostIP: '10.0.0.2' }], [{ hostPort: 80, hostIP: '10.0.0.1' }], 'ok'],
  [[{ hostPort: 80, hostIP: '10.0.0.1' }], [80], 'host port 80/TCP is taken'],
];

test.each(cases)('taken %j, asked %j → %s', (taken, asked, verdict) => {
  const snapshot = snapshotOf([{ name: 'a' }], [{ name: 'p', nodeName: 'a', hostPorts: taken }]);
  const said = verdicts(hostPortsFilter, snapshot, pod({ name: 'x', hostPorts: asked }));
  expect(said).toEqual({ a: verdict });
});
