import { readFile } from 'node:fs/promises';
import type { Logger } from '@gantry/base';
import { openStore, type Store } from '@gantry/store';
import type { Config } from '../config.js';

/** Opens the store of a configuration. */
export async function openConfiguredStore(
  config: Pick<Config, 'store' | 'etcdCa' | 'etcdCertificate' | 'etcdKey'>,
  logger: Logger,
): Promise<Store> {
  const { etcdCa, etcdCertificate, etcdKey } = config;
  if (!etcdCa) return openStore(config.store, { logger });
  const etcdCredentials = {
    ca: await readFile(etcdCa),
    ...(etcdCertificate ? { certificate: await readFile(etcdCertificate) } : {}),
    ...(etcdKey ? { key: await readFile(etcdKey) } : {}),
  };
  return openStore(config.store, { logger, etcdCredentials });
}
