import { Field } from '../schema/field.js';

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** The part that all conditions have. */
export class ConditionBase {
  @Field('string', 'Type of the condition.', { required: true })
  type: string;

  @Field('string', 'True, False or Unknown.', { required: true })
  status: ConditionStatus;

  @Field('string', 'One word in CamelCase that says why.')
  reason?: string;

  @Field('string', 'A sentence for people that says why.')
  message?: string;

  @Field('time', 'When the status last changed.')
  lastTransitionTime?: string;
}
