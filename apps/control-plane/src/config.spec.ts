import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseConfig, serveFlags } from './config.js';
import { describeFlags } from './flags.js';

describe('parseConfig', () => {
  it('has a default for everything that is needed', () => {
    const config = parseConfig([]);
    expect(config).toMatchObject({
      store: { type: 'embedded', file: '/var/lib/gantry/control-plane/store.db' },
      apiPort: 6443,
      gatewayPort: 6444,
      clusterCidr: '10.42.0.0/16',
      identity: hostname(),
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reads flags before the environment before defaults', () => {
    const env = { GANTRY_API_PORT: '1000', GANTRY_GATEWAY_PORT: '2000' };
    const config = parseConfig(['--api-port', '3000', '--data-dir=/d'], env);
    expect([config.apiPort, config.gatewayPort]).toEqual([3000, 2000]);
    expect(config.store).toEqual({ type: 'embedded', file: '/d/store.db' });
  });

  it('reads the members of an etcd', () => {
    const config = parseConfig(['--store', 'etcd:https://10.0.0.1:2379,https://10.0.0.2:2379']);
    expect(config.store).toEqual({
      type: 'etcd',
      endpoints: ['https://10.0.0.1:2379', 'https://10.0.0.2:2379'],
    });
  });

  it('makes the profile by which pods are placed', () => {
    const argv = ['--scheduling-profile=spread', '--score-weights=spread=3,reserve=0'];
    const { name, scores } = parseConfig(argv).schedulingProfile;
    const weights = Object.fromEntries(scores.map(({ score, weight }) => [score.name, weight]));
    expect(name).toBe('spread');
    expect(weights).toMatchObject({ spread: 3, preferredTaints: 3 });
    expect(weights).not.toHaveProperty('reserve');
  });

  it('rebalances only when it is told how often', () => {
    expect(parseConfig([]).rebalanceEveryMillis).toBeUndefined();
    const config = parseConfig(['--rebalance-every=6h', '--rebalance-max-moves=3']);
    expect(config).toMatchObject({ rebalanceEveryMillis: 21_600_000, rebalanceMaxMoves: 3 });
    expect(() => parseConfig(['--rebalance-every=often'])).toThrow('give a time such as 6h');
  });

  it('tells all faults at once, each with its flag', () => {
    const argv = ['--api-port=x', '--nonsense=1', '--store=mysql', '--node-cidr-mask=12'];
    expect(() => parseConfig(argv)).toThrow(
      [
        '--nonsense is unknown',
        '--store: store "mysql" is unknown: write embedded:FILE, memory or etcd:http://HOST:PORT[,…]',
        '--api-port x: give a whole number from 0 to 65535',
        '--node-cidr-mask 12 leaves no node a part of 10.42.0.0/16',
      ].join('\n'),
    );
  });

  it.each([
    ['--store=embedded:', 'names no file'],
    ['--store=etcd:10.0.0.1:2379', 'is not http(s)://HOST:PORT'],
    ['--store=etcd:http://a:1,https://b:1', 'mixes http and https'],
    ['--cluster-cidr=10.42.0.0', 'give an IPv4 network'],
    ['--cluster-cidr=fd00::/48', 'give an IPv4 network'],
    ['--advertise-address=10.0.0.1:6443', 'without a port'],
    ['--bind-address=all', 'give an IP address'],
    ['--lease-seconds=0', 'from 2 to 300'],
    ['--log-level=loud', 'one of debug, info'],
    ['--etcd-cert=/x', 'belong together'],
    ['--scheduling-profile=best', 'one of bin-pack, spread, balanced'],
    ['--score-weights=packs=1', 'profile bin-pack has no score packs; it has pack,'],
    ['--score-weights=pack', 'the weight of pack must be from 0 to 1000, not NaN'],
    ['--api-port', 'needs a value'],
  ])('refuses %s', (argument, message) => {
    expect(() => parseConfig([argument])).toThrow(message);
  });

  it('describes every flag on a line', () => {
    const text = describeFlags(serveFlags);
    expect(text.split('\n')).toHaveLength(Object.keys(serveFlags).length);
    expect(text).toContain('--api-port PORT');
  });
});
