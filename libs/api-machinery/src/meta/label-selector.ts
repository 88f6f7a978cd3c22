import { IsIn } from '../schema/constraints.js';
import { Describe, Field, list, map } from '../schema/field.js';

export type LabelSelectorOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';

@Describe('LabelSelectorRequirement relates a key to a set of values by an operator.')
export class LabelSelectorRequirement {
  @Field('string', 'Label key that the requirement applies to.', { required: true })
  key: string;

  @IsIn(['In', 'NotIn', 'Exists', 'DoesNotExist'])
  @Field('string', 'In, NotIn, Exists or DoesNotExist.', { required: true })
  operator: LabelSelectorOperator;

  @Field(list('string'), 'Values for In and NotIn; empty for Exists and DoesNotExist.')
  values?: string[];
}

@Describe(
  'LabelSelector selects objects by their labels; all parts must hold. An empty one selects all.',
)
export class LabelSelector {
  @Field(map('string'), 'Labels that must be present with these values.')
  matchLabels?: Record<string, string>;

  @Field(list(() => LabelSelectorRequirement), 'Further requirements.')
  matchExpressions?: LabelSelectorRequirement[];
}
