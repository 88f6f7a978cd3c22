import { Describe, Field } from '../schema/field.js';

@Describe('ManagedFieldsEntry records which fields a manager last set, and how.')
export class ManagedFieldsEntry {
  @Field('string', 'Name of the manager, from fieldManager or the user agent.')
  manager?: string;

  @Field('string', 'Apply or Update.')
  operation?: string;

  @Field('string', 'API version in which the fields are written.')
  apiVersion?: string;

  @Field('time', 'When the set of fields or a value in it last changed.')
  time?: string;

  @Field('string', 'Format of fieldsV1; always FieldsV1.')
  fieldsType?: string;

  @Field('any', 'The set of fields: f:NAME, k:{KEYS}, v:VALUE and . for the item itself.')
  fieldsV1?: FieldsV1;

  @Field(
    'string',
    'Subresource through which the fields were written; empty for the object itself.',
  )
  subresource?: string;
}

/** A trie of field names; the leaves are empty objects. */
export interface FieldsV1 {
  [key: string]: FieldsV1;
}
