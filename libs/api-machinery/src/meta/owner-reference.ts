import { Describe, Field } from '../schema/field.js';

@Describe('OwnerReference names an owning object; when the owner is gone, the object goes too.')
export class OwnerReference {
  @Field('string', 'API version of the owner.', { required: true })
  apiVersion: string;

  @Field('string', 'Kind of the owner.', { required: true })
  kind: string;

  @Field('string', 'Name of the owner.', { required: true })
  name: string;

  @Field('string', 'UID of the owner.', { required: true })
  uid: string;

  @Field('boolean', 'Whether this owner is the managing controller; at most one is.')
  controller?: boolean;

  @Field('boolean', 'Whether foreground deletion of the owner waits for this object.')
  blockOwnerDeletion?: boolean;
}
