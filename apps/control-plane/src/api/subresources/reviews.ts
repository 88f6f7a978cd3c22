import { isReason } from '@gantry/base';
import type { Access, AccessAttributes } from '../http/access.js';
import type { ComputedResource, SubresourceRequest, SubresourceResponse } from './registry.js';

interface AccessReviewSpec {
  resourceAttributes?: Partial<AccessAttributes>;
  nonResourceAttributes?: { path?: string; verb?: string };
}

/** The body as the review it must be; its spec is looked at field by field. */
function specOf(request: SubresourceRequest): AccessReviewSpec {
  return (request.body as { spec?: AccessReviewSpec } | undefined)?.spec ?? {};
}

function attributesOf({ resourceAttributes, nonResourceAttributes }: AccessReviewSpec) {
  if (resourceAttributes) {
    const { verb = '', group, resource, subresource, namespace, name } = resourceAttributes;
    return { verb, group, resource, subresource, namespace, name } satisfies AccessAttributes;
  }
  const { path = '/', verb = '' } = nonResourceAttributes ?? {};
  return { path, verb } satisfies AccessAttributes;
}

async function judge(
  access: Access,
  user: SubresourceRequest['user'],
  attributes: AccessAttributes,
): Promise<{ allowed: boolean; reason?: string }> {
  try {
    await access.authorize(user, attributes);
    return { allowed: true };
  } catch (error) {
    const refused = isReason(error, 'Forbidden') || isReason(error, 'Unauthorized');
    if (!refused) throw error;
    return { allowed: false, reason: error.message };
  }
}

const created = (kind: string, apiVersion: string, rest: object): SubresourceResponse => ({
  json: { kind, apiVersion, metadata: {}, ...rest },
  status: 201,
});

/** `kubectl auth whoami` and `auth can-i`: questions that are asked by creating their object. */
export function reviewResources(access: Access): ComputedResource[] {
  const names = { version: 'v1', namespaced: false, verbs: ['create'] };
  return [
    {
      ...names,
      group: 'authentication.k8s.io',
      kind: 'SelfSubjectReview',
      plural: 'selfsubjectreviews',
      singular: 'selfsubjectreview',
      async handle({ user }) {
        const userInfo = { username: user.name, groups: user.groups };
        return created('SelfSubjectReview', 'authentication.k8s.io/v1', { status: { userInfo } });
      },
    },
    {
      ...names,
      group: 'authorization.k8s.io',
      kind: 'SelfSubjectAccessReview',
      plural: 'selfsubjectaccessreviews',
      singular: 'selfsubjectaccessreview',
      async handle(request) {
        const spec = specOf(request);
        const status = await judge(access, request.user, attributesOf(spec));
        const apiVersion = 'authorization.k8s.io/v1';
        return created('SelfSubjectAccessReview', apiVersion, { spec, status });
      },
    },
  ];
}
