import { badRequest } from '@gantry/base';
import { messageFields, type MessageField } from './messages.js';
import { type WireValue, WireReader } from './wire.js';

type Json = Record<string, unknown>;

/** `k8s` and a zero byte lead every object in Kubernetes' protobuf encoding. */
const magic = Buffer.from('k8s\0');
const maxDepth = 64;

const asBytes = (value: WireValue): Uint8Array => {
  if (typeof value !== 'bigint') return value;
  throw new RangeError('a number stands where bytes should');
};

const asText = (value: WireValue) =>
  new TextDecoder('utf-8', { fatal: true }).decode(asBytes(value));

const asNumber = (value: WireValue): number => {
  if (typeof value === 'bigint') return Number(BigInt.asIntN(64, value));
  throw new RangeError('bytes stand where a number should');
};

function asDouble(value: WireValue): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, typeof value === 'bigint' ? value : 0n);
  return view.getFloat64(0);
}

/** The fields of a small message by number, for types that JSON writes as one value. */
function parts(value: WireValue): Map<number, WireValue> {
  const reader = new WireReader(asBytes(value));
  const found = new Map<number, WireValue>();
  for (let field = reader.next(); field; field = reader.next()) {
    found.set(field.number, field.value);
  }
  return found;
}

function asTime(value: WireValue, fraction: boolean): string | undefined {
  const fields = parts(value);
  if (fields.size === 0) return undefined;
  const seconds = asNumber(fields.get(1) ?? 0n);
  const nanos = asNumber(fields.get(2) ?? 0n);
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return fraction ? `${text}.${micros}Z` : `${text}Z`;
}

function asIntOrString(value: WireValue): number | string {
  const fields = parts(value);
  const isText = asNumber(fields.get(1) ?? 0n) === 1;
  return isText ? asText(fields.get(3) ?? new Uint8Array()) : asNumber(fields.get(2) ?? 0n);
}

const scalars: Readonly<Record<string, (value: WireValue) => unknown>> = {
  string: asText,
  bool: (value) => asNumber(value) !== 0,
  int: asNumber,
  double: asDouble,
  bytes: (value) => Buffer.from(asBytes(value)).toString('base64'),
  time: (value) => asTime(value, false),
  microTime: (value) => asTime(value, true),
  quantity: (value) => asText(parts(value).get(1) ?? new Uint8Array()),
  intOrString: asIntOrString,
  json: (value) => JSON.parse(asText(parts(value).get(1) ?? Buffer.from('{}'))) as unknown,
};

function decodeValue(type: string, value: WireValue, depth: number): unknown {
  const scalar = Object.hasOwn(scalars, type) ? scalars[type] : undefined;
  return scalar ? scalar(value) : decodeMessage(type, asBytes(value), depth + 1);
}

const isZero = (value: unknown) => value === '' || value === 0 || value === false;

function addEntry(object: Json, field: MessageField, value: WireValue, depth: number): void {
  const entry = parts(value);
  const key = asText(entry.get(1) ?? new Uint8Array());
  const content = decodeValue(field.type, entry.get(2) ?? new Uint8Array(), depth);
  const map = (object[field.name] ??= Object.create(null)) as Json;
  map[key] = content;
}

function addField(object: Json, field: MessageField, value: WireValue, depth: number): void {
  if (field.shape === 'map') return addEntry(object, field, value, depth);
  const content = decodeValue(field.type, value, depth);
  if (field.inline) Object.assign(object, content);
  else if (field.shape === 'list') ((object[field.name] ??= []) as unknown[]).push(content);
  // Go writes the zeros of plain fields too; in JSON they are left out.
  else if (content !== undefined && (field.pointer || !isZero(content)))
    object[field.name] = content;
}

function decodeMessage(message: string, bytes: Uint8Array, depth: number): Json {
  if (depth > maxDepth) throw new RangeError('messages are nested too deeply');
  const fields = messageFields(message);
  if (!fields) throw new RangeError(`no field numbers are known for ${message}`);
  const object: Json = {};
  const reader = new WireReader(bytes);
  for (let next = reader.next(); next; next = reader.next()) {
    const field = fields.get(next.number);
    if (field) addField(object, field, next.value, depth);
  }
  return object;
}

function messageOf(apiVersion: string, kind: string): string {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  // Messages lie in Go's packages, which are named by the first label of the group.
  const own = `${group?.split('.')[0]}.${version}.${kind}`;
  // Options of requests are sent under the group of what they are about.
  return messageFields(own) ? own : `meta.v1.${kind}`;
}

/**
 * The JSON object in a body of `application/vnd.kubernetes.protobuf`: a runtime.Unknown around the
 * message. BadRequest for anything else and for kinds whose field numbers are not in the table.
 */
export function decodeProtobuf(body: Uint8Array): object {
  try {
    if (!magic.equals(body.subarray(0, magic.length))) {
      throw new RangeError('it does not start with "k8s" and a zero byte');
    }
    const envelope = parts(body.subarray(magic.length));
    const type = parts(envelope.get(1) ?? new Uint8Array());
    const apiVersion = asText(type.get(1) ?? new Uint8Array());
    const kind = asText(type.get(2) ?? new Uint8Array());
    const raw = asBytes(envelope.get(2) ?? new Uint8Array());
    const message = messageOf(apiVersion, kind);
    if (!messageFields(message)) {
      throw new RangeError(`${kind} in ${apiVersion} is not known; send JSON`);
    }
    return { apiVersion, kind, ...decodeMessage(message, raw, 0) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`the body of the request is not valid protobuf: ${why}`, { cause: error });
  }
}
