import { startEtcd } from '@gantry/testing';
import { describeStore } from '../conformance/store-suite.js';
import type { StoreHarness } from '../conformance/harness.js';
import { EtcdStore } from './etcd-store.js';

async function onEtcd(): Promise<StoreHarness> {
  const server = await startEtcd();
  const open = () => new EtcdStore({ endpoints: [server.endpoint], progressIntervalMs: 200 });
  const store = open();
  const other = open();
  return {
    store: () => store,
    other: () => other,
    async crash() {
      await server.kill();
      await server.start();
    },
    async stop() {
      await Promise.all([store.close(), other.close()]);
      await server.stop();
    },
  };
}

describeStore('EtcdStore', onEtcd);
