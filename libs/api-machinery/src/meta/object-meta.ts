import { Describe, Field, list, map } from '../schema/field.js';
import { ManagedFieldsEntry } from './managed-fields.js';
import { OwnerReference } from './owner-reference.js';

@Describe('ObjectMeta is the metadata that all stored objects carry.')
export class ObjectMeta {
  @Field(
    'string',
    'Name, unique among the objects of its kind in its namespace; cannot be changed.',
  )
  name?: string;

  @Field('string', 'Prefix from which the server makes a unique name when no name is given.')
  generateName?: string;

  @Field('string', 'Namespace of the object; empty for kinds that have none. Cannot be changed.')
  namespace?: string;

  @Field('string', 'Former path of the object; no longer filled in.')
  selfLink?: string;

  @Field('string', 'Identity of this object in time and space, given by the server.')
  uid?: string;

  @Field(
    'string',
    'Opaque version of the object; sent back unchanged, it guards against lost updates.',
  )
  resourceVersion?: string;

  @Field('int64', 'Counts the versions of the desired state; read only.')
  generation?: number;

  @Field('time', 'When the object was created; read only.')
  creationTimestamp?: string;

  @Field('time', 'When the object goes at the latest, once deletion was asked for; read only.')
  deletionTimestamp?: string;

  @Field('int64', 'Seconds that the object was given to end gracefully; read only.')
  deletionGracePeriodSeconds?: number;

  @Field(map('string'), 'Keys and values by which objects are selected.')
  labels?: Record<string, string>;

  @Field(map('string'), 'Keys and values that tools attach; not selected by.')
  annotations?: Record<string, string>;

  @Field(list(() => OwnerReference, { merge: 'uid' }), 'Objects that this one depends on.')
  ownerReferences?: OwnerReference[];

  @Field(list('string', { set: true }), 'Names that must be removed before the object may go.')
  finalizers?: string[];

  @Field(list(() => ManagedFieldsEntry), 'Which manager set which fields; kept by the server.')
  managedFields?: ManagedFieldsEntry[];
}

/** What every stored object has. */
export class ApiObject {
  @Field('string', 'Group and version of the schema, for example v1 or apps/v1.')
  apiVersion?: string;

  @Field('string', 'Kind of the object, for example Pod.')
  kind?: string;

  @Field(() => ObjectMeta, "The object's metadata.")
  metadata: ObjectMeta;
}
