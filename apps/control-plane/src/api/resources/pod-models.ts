import { type Pod, PodKind, type PriorityClass } from '@gantry/api';
import { apiVersionOf } from '@gantry/api-machinery';
import { freezeShared, objectText } from '@gantry/controller';
import type { FieldValidation } from './options.js';

/** The request for a new pod, as far as the pod depends on it: JSON, no dry run. */
export interface SentPod {
  readonly text: Buffer;
  readonly namespace: string;
  readonly manager: string;
  readonly fieldValidation: FieldValidation;
}

/** What is remembered; the one that was not used for longest goes first. */
const maxModels = 128;
const maxTextBytes = 16 * 1024;

const nameKey = '"name":"';
const quote = 0x22;
/** Whatever such a string says, a reader of JSON goes on as after any other; and it is a name that a pod may have. */
const plainName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

interface Outline {
  /** All that the pod depends on but the string that stands first under a key `name`. */
  readonly frame: string;
  readonly name: string;
}

function outlineOf({ text, namespace, manager, fieldValidation }: SentPod): Outline | undefined {
  const at = text.length > maxTextBytes ? -1 : text.indexOf(nameKey);
  if (at < 0) return undefined;
  const start = at + nameKey.length;
  const end = text.indexOf(quote, start);
  const name = text.toString('latin1', start, Math.max(start, end));
  if (!plainName.test(name)) return undefined;
  // The request comes first, with an end of its own, so that no text can pass for a part of it.
  const request = JSON.stringify([namespace, manager, fieldValidation]);
  const [before, after] = [text.toString('latin1', 0, start), text.toString('latin1', end)];
  return { frame: request + before + after, name };
}

/** Whether it is the pod's own name that the outline has found: with another one there, the pod has that. */
function isNameOfPod({ text }: SentPod, { name }: Outline): boolean {
  const other = `${name}x`.slice(-60);
  const start = text.indexOf(nameKey) + nameKey.length;
  const end = start + name.length;
  const probe = Buffer.concat([text.subarray(0, start), Buffer.from(other), text.subarray(end)]);
  const parsed = JSON.parse(new TextDecoder().decode(probe)) as { metadata?: { name?: unknown } };
  return other !== name && parsed.metadata?.name === other;
}

/** Strings that stand in a model's text where each pod has its own. */
const slots = {
  name: crypto.randomUUID(),
  uid: crypto.randomUUID(),
  time: crypto.randomUUID(),
};
type Own = Readonly<Record<keyof typeof slots, string>>;
const slotNames = Object.keys(slots) as (keyof Own)[];
const anySlot = new RegExp(slotNames.map((name) => slots[name]).join('|'), 'g');

/** A pod as it is stored, from which others are made that differ in name, uid and time of creation only. */
export class PodModel {
  private readonly pieces: readonly string[];
  private readonly order: readonly (keyof Own)[];

  /** `pod` is complete and checked; its parts become unchangeable. The class is that of its priority. */
  constructor(
    private readonly pod: Pod,
    readonly askedClass: string | undefined,
    readonly priorityClass: PriorityClass | undefined,
  ) {
    this.pod = { ...pod, metadata: { ...pod.metadata } };
    const { metadata, spec, status } = pod;
    const { managedFields = [], labels, annotations, ownerReferences, finalizers } = metadata;
    const shared = [spec, status, labels, annotations, ownerReferences, finalizers];
    for (const part of shared) freezeShared(part);
    for (const { fieldsV1 } of managedFields) freezeShared(fieldsV1);
    const text = objectText(this.made(slots));
    this.pieces = text.split(anySlot);
    const found = text.match(anySlot) ?? [];
    this.order = found.map((slot) => slotNames.find((name) => slots[name] === slot)!);
  }

  /** The pod of this name, born now, and its JSON. */
  make(own: Own): { pod: Pod; text: string } {
    let text = this.pieces[0]!;
    for (const [i, name] of this.order.entries()) text += own[name] + this.pieces[i + 1]!;
    return { pod: this.made(own), text };
  }

  private made({ name, uid, time }: Own): Pod {
    const { metadata, spec, status } = this.pod;
    const managedFields = metadata.managedFields?.map((entry) => ({ ...entry, time }));
    return {
      apiVersion: apiVersionOf(PodKind),
      kind: PodKind.kind,
      metadata: { ...metadata, name, uid, creationTimestamp: time, managedFields },
      spec,
      status,
    };
  }
}

/**
 * Pods that were created by requests which are the same, byte for byte, but for the pod's name. Defaults, checks and
 * managed fields come out the same for each of them, and so does admission while the priority class is the same; so
 * they are worked out once. What is remembered is bounded, and whoever sends what nobody else does only fills that.
 */
export class PodModels {
  /** Undefined for what came once, null for what cannot be a model. */
  private readonly models = new Map<string, PodModel | null | undefined>();

  find(sent: SentPod): { model: PodModel; name: string } | undefined {
    const outline = outlineOf(sent);
    const model = outline && this.models.get(outline.frame);
    if (!model) return undefined;
    this.models.delete(outline.frame);
    this.models.set(outline.frame, model);
    return { model, name: outline.name };
  }

  /** A pod was made of the request, by the plain way; `model` tells what is to be known of it, once it is needed. */
  learn(sent: SentPod, model: () => PodModel | undefined): void {
    const outline = outlineOf(sent);
    if (!outline) return;
    const { frame } = outline;
    const isKnown = this.models.has(frame);
    const known = this.models.get(frame);
    this.models.delete(frame);
    if (this.models.size >= maxModels) this.models.delete(this.models.keys().next().value!);
    // What comes once only is not worth it.
    const isUnfit = known === null || (isKnown && !isNameOfPod(sent, outline));
    this.models.set(frame, isUnfit ? null : isKnown ? model() : undefined);
  }
}
