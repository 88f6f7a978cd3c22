import type { ApiObject, Kind } from '@gantry/api-machinery';
import { type Clock, isReason, notFound } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';
import { planDeletion } from './deletion.js';
import { detailsOf } from './details.js';
import type { DeleteOptions, Deletion } from './options.js';

/** How often a delete is tried again when another writer came first. */
const maxAttempts = 8;

/** Carries deletion plans out. */
export class Deleter {
  constructor(
    private readonly objects: ObjectStore,
    private readonly clock: Clock,
  ) {}

  async delete<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions,
  ): Promise<Deletion<T>> {
    for (let attempt = 1; ; attempt++) {
      const current = await this.objects.get(kind, namespace, name);
      if (!current) throw notFound(detailsOf(kind, name));
      try {
        return await this.attempt(kind, current, options);
      } catch (error) {
        const final = options.preconditions?.resourceVersion !== undefined;
        if (final || attempt === maxAttempts || !isReason(error, 'Conflict')) throw error;
        // A uid that does not match stays wrong; only a lost race is worth another look.
        const { uid } = options.preconditions ?? {};
        if (uid !== undefined && uid !== current.metadata.uid) throw error;
      }
    }
  }

  private async attempt<T extends ApiObject>(
    kind: Kind<T>,
    current: T,
    options: DeleteOptions,
  ): Promise<Deletion<T>> {
    const { namespace, name = '', uid, resourceVersion } = current.metadata;
    const plan = planDeletion(kind, current, options, this.clock.now());
    if (plan.step === 'none') return { gone: false, object: current };
    const gone = plan.step === 'remove';
    if (options.dryRun) return { gone, object: plan.object };
    if (!gone) return { gone, object: await this.objects.update(kind, plan.object) };
    await this.objects.remove(kind, namespace, name, { uid, resourceVersion });
    return { gone, object: plan.object };
  }

  async deleteAll<T extends ApiObject>(
    kind: Kind<T>,
    items: readonly T[],
    options: DeleteOptions,
  ): Promise<T[]> {
    const deleted: T[] = [];
    for (const { metadata } of items) {
      const { namespace, name = '', uid } = metadata;
      try {
        const preconditions = { ...options.preconditions, uid };
        const deletion = await this.delete(kind, namespace, name, { ...options, preconditions });
        deleted.push(deletion.object);
      } catch (error) {
        if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
      }
    }
    return deleted;
  }
}
