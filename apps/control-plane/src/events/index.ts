/**
 * Events: what happened to an object, for people. An `EventRecorder` per control plane gives out
 * `EventSink`s by component; it aggregates repetitions, bounds rate and number, and lets events expire.
 */
export {
  EventRecorder,
  type EventDraft,
  type EventRecorderOptions,
  type EventSink,
} from './event-recorder.js';
export { EventsModule } from './events.module.js';
