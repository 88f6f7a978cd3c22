import type { ConfigMap, RuntimeClass, Secret } from '@gantry/api';
import type { ResourceLookup } from '../bundle/environment.js';

/** The objects that assigned pods refer to, as the control plane sent them. In memory only. */
export class ResourceCache {
  private readonly configMaps = new Map<string, ConfigMap>();
  private readonly secrets = new Map<string, Secret>();
  private readonly runtimeClasses = new Map<string, RuntimeClass>();

  put(kind: string, namespace: string, name: string, object: unknown): void {
    const key = `${namespace}/${name}`;
    if (kind === 'ConfigMap') this.configMaps.set(key, object as ConfigMap);
    else if (kind === 'Secret') this.secrets.set(key, object as Secret);
    else if (kind === 'RuntimeClass') this.runtimeClasses.set(name, object as RuntimeClass);
  }

  remove(kind: string, namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    if (kind === 'ConfigMap') this.configMaps.delete(key);
    else if (kind === 'Secret') this.secrets.delete(key);
    else if (kind === 'RuntimeClass') this.runtimeClasses.delete(name);
  }

  /** A snapshot replaces everything. */
  clear(): void {
    this.configMaps.clear();
    this.secrets.clear();
    this.runtimeClasses.clear();
  }

  in(namespace: string): ResourceLookup {
    return {
      configMap: (name) => this.configMaps.get(`${namespace}/${name}`),
      secret: (name) => this.secrets.get(`${namespace}/${name}`),
      runtimeClass: (name) => this.runtimeClasses.get(name),
    };
  }
}
