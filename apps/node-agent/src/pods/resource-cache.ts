import type { ConfigMap, Secret } from '@gantry/api';
import type { ResourceLookup } from '../bundle/environment.js';

/** The ConfigMaps and Secrets that assigned pods refer to, as the control plane sent them. In memory only. */
export class ResourceCache {
  private readonly configMaps = new Map<string, ConfigMap>();
  private readonly secrets = new Map<string, Secret>();

  put(kind: string, namespace: string, name: string, object: unknown): void {
    const key = `${namespace}/${name}`;
    if (kind === 'ConfigMap') this.configMaps.set(key, object as ConfigMap);
    else if (kind === 'Secret') this.secrets.set(key, object as Secret);
  }

  remove(kind: string, namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    if (kind === 'ConfigMap') this.configMaps.delete(key);
    else if (kind === 'Secret') this.secrets.delete(key);
  }

  /** A snapshot replaces everything. */
  clear(): void {
    this.configMaps.clear();
    this.secrets.clear();
  }

  in(namespace: string): ResourceLookup {
    return {
      configMap: (name) => this.configMaps.get(`${namespace}/${name}`),
      secret: (name) => this.secrets.get(`${namespace}/${name}`),
    };
  }
}
