import { Describe, Field, list, map } from '@gantry/api-machinery';

/** A quantity in canonical form, for example `250m` or `64Mi`. */
export type Quantity = string;

/** Quantities by resource name: cpu, memory, ephemeral-storage, pods, or an extended DOMAIN/NAME. */
export type ResourceList = Record<string, Quantity>;

@Describe('ResourceClaim names an entry of spec.resourceClaims.')
export class ResourceClaim {
  @Field('string', 'Name of the claim in the pod.', { required: true })
  name: string;

  @Field('string', 'Request in the claim; all when empty.')
  request?: string;
}

@Describe('ResourceRequirements says what a container needs and what it may use at most.')
export class ResourceRequirements {
  @Field(map('quantity'), 'The most that may be used; enforced by the kernel.')
  limits?: ResourceList;

  @Field(map('quantity'), 'What is set aside; defaults to the limits. Scheduling goes by these.')
  requests?: ResourceList;

  @Field(list(() => ResourceClaim, { keys: ['name'] }), 'Claims of devices.', {
    unsupported: 'dynamic resource allocation is not served; ask for extended resources instead',
  })
  claims?: ResourceClaim[];
}
