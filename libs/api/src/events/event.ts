import {
  ApiObject,
  type Column,
  defineKind,
  Describe,
  Field,
  type FieldError,
  forbidden,
  invalidValue,
  required,
} from '@gantry/api-machinery';
import { eventColumns } from '../core/event-columns.js';
import { type Event as CoreEvent, EventSeries, EventSource } from '../core/event.js';
import { ObjectReference } from '../core/references.js';

/** Longest reportingInstance, action and reason, and longest note, in characters, as in Kubernetes. */
const maxLength = 128;
const maxNoteLength = 1_024;

@Describe(
  'Event tells people what happened to an object; the same as an Event of v1, in newer words.',
)
class Event extends ApiObject {
  @Field('microTime', 'When it was seen first, in microseconds.')
  eventTime?: string | null;

  @Field(() => EventSeries, 'Repetitions.')
  series?: EventSeries;

  @Field('string', 'Name of the controller that reports it.')
  reportingController?: string;

  @Field('string', 'Which instance of it.')
  reportingInstance?: string;

  @Field('string', 'What was done or failed.')
  action?: string;

  @Field('string', 'One word that says why, in CamelCase.')
  reason?: string;

  @Field(() => ObjectReference, 'The object that the event is about.')
  regarding?: ObjectReference;

  @Field(() => ObjectReference, 'A second object that is involved.')
  related?: ObjectReference;

  @Field('string', 'A sentence for people.')
  note?: string;

  @Field('string', 'Normal or Warning.')
  type?: string;

  @Field(() => EventSource, 'Who reports it, in events of v1.')
  deprecatedSource?: EventSource;

  @Field('time', 'When it was seen first, in events of v1.')
  deprecatedFirstTimestamp?: string;

  @Field('time', 'When it was seen last, in events of v1.')
  deprecatedLastTimestamp?: string;

  @Field('int32', 'How often it was seen, in events of v1.')
  deprecatedCount?: number;
}

export type { Event as ReportedEvent };

/** What the fields of events.k8s.io/v1 are called in v1; all others have the same name in both. */
const coreNames: Readonly<Record<string, string>> = {
  note: 'message',
  regarding: 'involvedObject',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
};

const reportedNames = Object.fromEntries(Object.entries(coreNames).map(([a, b]) => [b, a]));

function renamed(object: ApiObject, names: Readonly<Record<string, string>>, apiVersion: string) {
  const pairs = Object.entries(object).map(([name, value]) => [names[name] ?? name, value]);
  const result = Object.fromEntries(pairs) as ApiObject;
  result.apiVersion = apiVersion;
  if (!result.metadata?.managedFields) return result;
  // Who owns what is told in the words of the version that the owner sees.
  const managedFields = result.metadata.managedFields.map((entry) => {
    const fields = Object.entries(entry.fieldsV1 ?? {}).map(([path, inner]) => {
      const name = names[path.slice(2)];
      return [name === undefined ? path : `f:${name}`, inner];
    });
    return { ...entry, apiVersion, fieldsV1: Object.fromEntries(fields) };
  });
  result.metadata = { ...result.metadata, managedFields };
  return result;
}

/** The event as events.k8s.io/v1 has it; what both share is shared. */
export function reportedEvent(event: CoreEvent): Event {
  return renamed(event, reportedNames, 'events.k8s.io/v1') as Event;
}

/** The event as v1 has it, which is how it is stored. */
export function coreEvent(event: Event): CoreEvent {
  return { involvedObject: {}, ...renamed(event, coreNames, 'v1') } as CoreEvent;
}

/** A field selector in the words of v1. */
export function coreEventSelector(selector: string): string {
  return selector
    .replaceAll(/(^|,)regarding\./g, '$1involvedObject.')
    .replaceAll(/(^|,)reportingController(?=[=!])/g, '$1reportingComponent');
}

const columns = eventColumns.map((column): Column<Event> => ({
  ...column,
  value: (event, nowMs) => column.value(coreEvent(event), nowMs),
}));

/** The old fields that say something; Go writes empty structs as {}. */
function deprecated(event: Event): string[] {
  const isSaid = (value: unknown) => typeof value !== 'object' || !isEmpty(value);
  return Object.entries(event)
    .filter(([name, value]) => name.startsWith('deprecated') && isSaid(value))
    .map(([name]) => name);
}

const isEmpty = (value: object | null) => value === null || Object.keys(value).length === 0;

/** Rules of a new event, stricter than those of v1 (Kubernetes, ValidateEventCreate). */
function validate(event: Event): FieldError[] {
  const needed = ['reportingController', 'reportingInstance', 'action', 'reason'] as const;
  const errors = needed.flatMap((name): FieldError[] => {
    const text = event[name];
    if (!text) return [required(name)];
    if (text.length <= maxLength) return [];
    return [invalidValue(name, text, `can have at most ${maxLength} characters`)];
  });
  if (!event.eventTime) errors.push(required('eventTime'));
  if ((event.note ?? '').length > maxNoteLength) {
    const detail = `can have at most ${maxNoteLength} characters`;
    errors.push(invalidValue('note', event.note, detail));
  }
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    errors.push(invalidValue('type', event.type ?? '', 'must be Normal or Warning'));
  }
  return [...errors, ...deprecated(event).map((name) => forbidden(name, 'is for events of v1'))];
}

/** Events in the words of events.k8s.io/v1; they are stored as those of v1, so this kind is not one of `kinds`. */
export const ReportedEventKind = defineKind<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  type: Event,
  columns,
  validate,
});
