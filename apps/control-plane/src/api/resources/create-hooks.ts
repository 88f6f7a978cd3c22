import type { ApiObject, Kind } from '@gantry/api-machinery';

/**
 * May complete a new object in place and may return a function that makes the creator's answer from
 * the stored object, for what is shown once and never stored.
 */
export type CreateHook<T extends ApiObject> = (object: T) => ((stored: T) => T) | void;

const unchanged = <T>(stored: T) => stored;

/** The hooks by kind, at most one for each. */
export class CreateHooks {
  private readonly hooks = new Map<object, CreateHook<ApiObject>>();

  add<T extends ApiObject>(kind: Kind<T>, hook: CreateHook<T>): void {
    if (this.hooks.has(kind)) throw new Error(`${kind.kind} has a create hook already`);
    this.hooks.set(kind, hook as unknown as CreateHook<ApiObject>);
  }

  has(kind: Kind): boolean {
    return this.hooks.has(kind);
  }

  run<T extends ApiObject>(kind: Kind<T>, object: T): (stored: T) => T {
    const hook = this.hooks.get(kind) as unknown as CreateHook<T> | undefined;
    return hook?.(object) ?? unchanged;
  }
}
