import {
  ApiObject,
  Describe,
  Field,
  defineKind,
  invalidValue,
  type FieldError,
} from '@gantry/api-machinery';
import { ObjectReference } from './references.js';
import { eventColumns } from './event-columns.js';

@Describe('EventSource is the component that reports the event.')
export class EventSource {
  @Field('string', 'Component.')
  component?: string;

  @Field('string', 'Node it runs on.')
  host?: string;
}

@Describe('EventSeries counts repetitions of an event.')
export class EventSeries {
  @Field('int32', 'How often.')
  count?: number;

  @Field('microTime', 'When last.')
  lastObservedTime?: string;
}

@Describe('Event tells people what happened to an object; kept for a short time.')
export class Event extends ApiObject {
  @Field(() => ObjectReference, 'The object that the event is about.', { required: true })
  involvedObject: ObjectReference;

  @Field('string', 'One word that says why, in CamelCase.')
  reason?: string;

  @Field('string', 'A sentence for people.')
  message?: string;

  @Field(() => EventSource, 'Who reports it.')
  source?: EventSource;

  @Field('time', 'When it was seen first.')
  firstTimestamp?: string;

  @Field('time', 'When it was seen last.')
  lastTimestamp?: string;

  @Field('int32', 'How often it was seen.')
  count?: number;

  @Field('string', 'Normal or Warning.')
  type?: string;

  @Field('microTime', 'When it was seen first, in microseconds.')
  eventTime?: string | null;

  @Field(() => EventSeries, 'Repetitions.')
  series?: EventSeries;

  @Field('string', 'What was done or failed.')
  action?: string;

  @Field(() => ObjectReference, 'A second object that is involved.')
  related?: ObjectReference;

  @Field('string', 'Name of the controller that reports it.')
  reportingComponent?: string;

  @Field('string', 'Which instance of it.')
  reportingInstance?: string;
}

function validateEvent({ involvedObject, metadata }: Event): FieldError[] {
  const namespace = involvedObject?.namespace || 'default';
  if (namespace === metadata.namespace) return [];
  const detail = 'does not match event.namespace';
  return [invalidValue('involvedObject.namespace', involvedObject?.namespace ?? '', detail)];
}

export const EventKind = defineKind<Event>({
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  type: Event,
  columns: eventColumns,
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || reportingComponent || '',
    type: ({ type }) => type ?? '',
  },
  validate: validateEvent,
});
