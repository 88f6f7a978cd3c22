import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unavailable } from '@gantry/base';
import { readNetworkConfig, type CniNetworkConfig } from '@gantry/runtime-client';

/**
 * The network of a directory as CNI's users expect it: the first file by name that ends in .conflist, .conf or
 * .json. Read anew each time, since whoever installs plugins writes it when they are ready.
 */
export function loadNetwork(dir: string): CniNetworkConfig {
  const file = firstFile(dir);
  if (file === undefined) {
    throw unavailable(`--cni-conf-dir ${dir}: there is no .conflist or .conf in it yet`);
  }
  return readNetworkConfig(readFileSync(join(dir, file), 'utf8'), join(dir, file));
}

function firstFile(dir: string): string | undefined {
  try {
    return readdirSync(dir)
      .filter((name) => /\.(conflist|conf|json)$/.test(name))
      .toSorted()[0];
  } catch {
    return undefined;
  }
}
