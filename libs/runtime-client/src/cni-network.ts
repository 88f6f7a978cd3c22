import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { badRequest, describeError, unavailable } from '@gantry/base';
import { CniPlugin, type CniAttachment, type CniConfig, type CniResult, type Run } from './cni.js';

/** A plugin of a network, as its configuration names it. */
export interface CniPluginConfig {
  readonly type: string;
  /** What it takes from the caller for each attachment, by name. */
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [key: string]: unknown;
}

/** A network: plugins that are called one after the other (CNI's `.conflist`). */
export interface CniNetworkConfig {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly CniPluginConfig[];
  readonly disableCheck?: boolean;
  readonly disableGC?: boolean;
}

/** What the caller asks for one attachment, by capability (`portMappings`, `bandwidth` …). */
export type CniRuntimeConfig = Readonly<Record<string, unknown>>;

/** GC and STATUS came with this version. */
const gcVersion = [1, 1];

const maxPlugins = 32;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a `.conflist`, or a `.conf` with a single plugin; BadRequest names the field that is wrong. */
export function readNetworkConfig(text: string, file: string): CniNetworkConfig {
  const refuse = (fault: string) => badRequest(`CNI configuration ${file}: ${fault}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(`not JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw refuse('must be an object');
  const { name, cniVersion = '0.2.0', plugins = [value], ...rest } = value;
  if (typeof name !== 'string' || !/^[A-Za-z0-9][\w.-]*$/.test(name))
    throw refuse('name: is no name');
  if (typeof cniVersion !== 'string') throw refuse('cniVersion: must be a string');
  if (!Array.isArray(plugins) || plugins.length === 0 || plugins.length > maxPlugins) {
    throw refuse(`plugins: must be a list of 1 to ${maxPlugins}`);
  }
  for (const [index, plugin] of (plugins as unknown[]).entries()) {
    // A type becomes the name of a program: it must stay within the directories of plugins.
    if (
      isObject(plugin) &&
      typeof plugin['type'] === 'string' &&
      /^[\w-][\w.-]*$/.test(plugin['type'])
    ) {
      continue;
    }
    throw refuse(`plugins[${index}].type: must be the name of a program`);
  }
  const { disableCheck, disableGC } = rest as Partial<CniNetworkConfig>;
  return { name, cniVersion, plugins: plugins as CniPluginConfig[], disableCheck, disableGC };
}

/**
 * A network of chained plugins: ADD in order with each result handed on, DEL in reverse order, CHECK, GC,
 * STATUS. An ADD that fails half-way is undone.
 */
export class CniNetwork {
  constructor(
    readonly config: CniNetworkConfig,
    /** Directories of plugins; the first that has one counts. */
    readonly binaryDirs: readonly string[],
    readonly run: Run,
  ) {}

  async add(attachment: CniAttachment, runtimeConfig: CniRuntimeConfig = {}): Promise<CniResult> {
    let result: CniResult | undefined;
    try {
      for (const plugin of this.chain(runtimeConfig)) result = await plugin.add(attachment, result);
      return result!;
    } catch (error) {
      await this.undo(attachment, runtimeConfig, result, error);
      throw error;
    }
  }

  /** Idempotent. `previous` is what `add` gave, as far as it is known. */
  async del(
    attachment: CniAttachment,
    previous?: CniResult,
    runtimeConfig: CniRuntimeConfig = {},
  ): Promise<void> {
    const faults: unknown[] = [];
    // The others are still asked when one refuses; it will be asked again.
    for (const plugin of this.chain(runtimeConfig).toReversed()) {
      await plugin.del(attachment, previous).catch((error: unknown) => faults.push(error));
    }
    if (faults.length > 0) throw faults[0];
  }

  /** Rejects when the attachment is not as `add` left it. */
  async check(
    attachment: CniAttachment,
    previous: CniResult,
    runtimeConfig: CniRuntimeConfig = {},
  ): Promise<void> {
    if (this.config.disableCheck) return;
    for (const plugin of this.chain(runtimeConfig)) await plugin.check(attachment, previous);
  }

  /** Frees what belongs to no attachment of `valid`; plugins from before version 1.1 cannot. */
  async gc(valid: readonly CniAttachment[]): Promise<void> {
    if (this.config.disableGC || !this.isAtLeast(gcVersion)) return;
    for (const plugin of this.chain({})) await plugin.gc(valid);
  }

  /** Rejects when ADD would not work: a plugin is missing, cannot this version, or says so itself. */
  async status(): Promise<void> {
    const { cniVersion } = this.config;
    for (const plugin of this.chain({})) {
      const versions = await plugin.versions();
      if (!versions.includes(cniVersion)) {
        const known = versions.join(', ');
        throw unavailable(`${plugin.binary} speaks CNI ${known}, not cniVersion ${cniVersion}`);
      }
      if (this.isAtLeast(gcVersion)) await plugin.status();
    }
  }

  private async undo(
    attachment: CniAttachment,
    runtimeConfig: CniRuntimeConfig,
    result: CniResult | undefined,
    cause: unknown,
  ): Promise<void> {
    try {
      await this.del(attachment, result, runtimeConfig);
    } catch (error) {
      const both = `${describeError(cause)}; undoing it failed too: ${describeError(error)}`;
      throw unavailable(both, { cause: error });
    }
  }

  private isAtLeast([major = 0, minor = 0]: readonly number[]): boolean {
    const [ownMajor = 0, ownMinor = 0] = this.config.cniVersion.split('.').map(Number);
    return ownMajor > major || (ownMajor === major && ownMinor >= minor);
  }

  private chain(runtimeConfig: CniRuntimeConfig): CniPlugin[] {
    const { name, cniVersion, plugins } = this.config;
    const path = this.binaryDirs.join(':');
    return plugins.map((plugin) => {
      const { capabilities = {} } = plugin;
      const taken = Object.entries(runtimeConfig).filter(
        ([capability]) => capabilities[capability],
      );
      const further = taken.length > 0 ? { runtimeConfig: Object.fromEntries(taken) } : {};
      const config: CniConfig = { ...plugin, ...further, name, cniVersion };
      return new CniPlugin(this.binaryOf(plugin.type), config, this.run, path);
    });
  }

  private binaryOf(type: string): string {
    for (const dir of this.binaryDirs) {
      const path = join(dir, type);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        continue;
      }
    }
    const where = this.binaryDirs.join(', ');
    throw unavailable(`the CNI plugin "${type}" is in none of ${where}; install it there`);
  }
}
