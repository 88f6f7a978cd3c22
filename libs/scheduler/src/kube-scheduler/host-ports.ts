import { node, on, type Behaviour } from './behaviour.js';

const source = 'NodePorts: hostIP, hostPort and protocol must be free on the node';
type Port = number | { hostPort: number; hostIP?: string; protocol?: string };
type Row = [title: string, taken: Port[], asked: Port[], fits: string];

const rows: Row[] = [
  ['no ports', [80], [], 'a b'],
  ['the same port', [80], [80], 'b'],
  ['another port', [80], [81], 'a b'],
  ['one of several', [80, 81], [443, 81], 'b'],
  ['the same port of another protocol', [80], [{ hostPort: 80, protocol: 'UDP' }], 'a b'],
  [
    'the same UDP port',
    [{ hostPort: 53, protocol: 'UDP' }],
    [{ hostPort: 53, protocol: 'UDP' }],
    'b',
  ],
  [
    'two addresses',
    [{ hostPort: 80, hostIP: '10.0.0.1' }],
    [{ hostPort: 80, hostIP: '10.0.0.2' }],
    'a b',
  ],
  [
    'one address',
    [{ hostPort: 80, hostIP: '10.0.0.1' }],
    [{ hostPort: 80, hostIP: '10.0.0.1' }],
    'b',
  ],
  ['any address against one', [80], [{ hostPort: 80, hostIP: '10.0.0.2' }], 'b'],
  ['one address against any', [{ hostPort: 80, hostIP: '10.0.0.1' }], [80], 'b'],
  [
    '0.0.0.0 is any address',
    [{ hostPort: 80, hostIP: '0.0.0.0' }],
    [{ hostPort: 80, hostIP: '10.0.0.2' }],
    'b',
  ],
];

export const hostPortBehaviours: readonly Behaviour[] = [
  ...rows.map(([title, taken, asked, fits]) => ({
    title,
    source,
    nodes: [node('a'), node('b')],
    placed: [on('a', 'p', { hostPorts: taken })],
    pod: { hostPorts: asked },
    fits,
  })),
  {
    title: 'a port of a pod that has ended is free',
    source,
    nodes: [node('a')],
    placed: [on('a', 'p', { hostPorts: [80], phase: 'Failed' })],
    pod: { hostPorts: [80] },
    fits: 'a',
  },
];
