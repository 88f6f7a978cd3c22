import { Describe, Field } from '@gantry/api-machinery';

@Describe('LocalObjectReference names an object in the same namespace.')
export class LocalObjectReference {
  @Field('string', 'Name of the object.')
  name?: string;
}

@Describe('ObjectReference points to another object.')
export class ObjectReference {
  @Field('string', 'Kind of the object.')
  kind?: string;

  @Field('string', 'Namespace of the object.')
  namespace?: string;

  @Field('string', 'Name of the object.')
  name?: string;

  @Field('string', 'UID of the object.')
  uid?: string;

  @Field('string', 'API version of the object.')
  apiVersion?: string;

  @Field('string', 'Version of the object that is meant.')
  resourceVersion?: string;

  @Field('string', 'Part of the object that is meant, e.g. spec.containers{web}.')
  fieldPath?: string;
}
