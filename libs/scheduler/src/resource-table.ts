import { deviceOf, isExtended, shareOf, wholeDeviceMillis } from './devices/device-names.js';
import { DeviceTable, maxDevicesPerNode } from './devices/device-table.js';
import type { DeviceHoldings } from './devices/holdings.js';
import type { Amounts } from './requests.js';

/** Columns that every table has, in this order; extended resources follow as they appear. */
export const wellKnownResources = ['cpu', 'memory', 'ephemeral-storage', 'pods'] as const;
export const cpuColumn = 0;
export const memoryColumn = 1;
export const podsColumn = 3;

/** Distinct resource names that one cluster may bring; more is a mistake or an attack. */
export const maxResources = 256;

/** Distinct asks that are remembered; all are forgotten when there are more. */
const rememberedAsks = 10_000;

/** Asked amounts by column, without zeros: the form in which fit is checked. */
export interface Ask {
  readonly columns: Int32Array;
  readonly amounts: Float64Array;
  /** The part of it that is devices; undefined for the many that ask for none. */
  readonly devices: readonly DeviceAsk[] | undefined;
  /** Pods on nodes that ask for this. */
  placed: number;
}

/** Whole devices of one kind (1000 thousandths each), or a share of one. */
export interface DeviceAsk {
  readonly resource: string;
  readonly column: number;
  readonly count: number;
  readonly millis: number;
}

/**
 * What nodes have and what is taken of it: typed arrays, indexed by node slot.
 * Amounts are whole numbers below 2^53, so sums are exact and never drift.
 *
 * A node that offers `DOMAIN/DEVICE-milli` shares its devices. What counts as free there is the number of
 * devices that are wholly free, and of `DOMAIN/DEVICE-milli` the largest share that one device has left: so a
 * pod fits by comparing numbers, as for any other resource.
 */
export class ResourceTable {
  readonly names: string[] = [];
  readonly allocatable: Float64Array[] = [];
  /** What is free, node by node: that of one node lies together, which is how fit is asked about. */
  rows: Float64Array;
  /** Numbers from one node's row to the next. */
  stride = 8;
  /** Of shared devices, by the column of the whole ones. */
  readonly devices = new Map<number, DeviceTable>();
  /** Whether some node has ever offered extended resources in numbers that devices come in. */
  offersDevices = false;
  private readonly columns = new Map<string, number>();
  private readonly asks = new Map<string, Ask>();

  constructor(private capacity: number) {
    this.rows = new Float64Array(capacity * this.stride);
    for (const name of wellKnownResources) this.column(name);
  }

  /** The column of a resource, made when it is new. */
  column(name: string): number {
    const known = this.columns.get(name);
    if (known !== undefined) return known;
    if (this.names.length >= maxResources) {
      throw new RangeError(`resource ${name}: more than ${maxResources} distinct resource names`);
    }
    this.allocatable.push(new Float64Array(this.capacity));
    this.columns.set(name, this.names.length);
    const column = this.names.push(name) - 1;
    if (column >= this.stride) this.layOut(this.capacity, this.stride * 2);
    return column;
  }

  grow(capacity: number): void {
    for (let c = 0; c < this.allocatable.length; c++) {
      const larger = new Float64Array(capacity);
      larger.set(this.allocatable[c]!);
      this.allocatable[c] = larger;
    }
    this.layOut(capacity, this.stride);
    this.capacity = capacity;
  }

  private layOut(capacity: number, stride: number): void {
    const rows = new Float64Array(capacity * stride);
    for (let slot = 0; slot < this.capacity; slot++) {
      const from = slot * this.stride;
      rows.set(this.rows.subarray(from, from + this.stride), slot * stride);
    }
    this.rows = rows;
    this.stride = stride;
  }

  /** Whether the node has other amounts than these; resources that are not named are 0. */
  differs(slot: number, amounts: Amounts): boolean {
    for (const name of amounts.keys()) this.column(name);
    return this.names.some((name, c) => this.allocatable[c]![slot] !== (amounts.get(name) ?? 0));
  }

  /** Replaces what the node has. Pods that hold devices must have given them back. */
  setAllocatable(slot: number, amounts: Amounts): void {
    for (const name of amounts.keys()) this.column(name);
    for (let c = 0; c < this.names.length; c++) {
      const amount = amounts.get(this.names[c]!) ?? 0;
      this.rows[slot * this.stride + c]! += amount - this.allocatable[c]![slot]!;
      this.allocatable[c]![slot] = amount;
      const isDevice = c >= wellKnownResources.length && isExtended(this.names[c]!);
      if (isDevice && amount > 0 && amount <= maxDevicesPerNode) this.offersDevices = true;
    }
    for (const name of amounts.keys()) this.shareDevices(name);
    for (const [column, table] of this.devices) {
      const share = this.column(shareOf(this.names[column]!));
      const shares = Math.floor(this.allocatable[share]![slot]! / wholeDeviceMillis);
      const named = this.allocatable[column]![slot]!;
      table.reset(slot, named > 0 ? Math.min(named, shares) : shares);
      this.noteDevices(slot, column, table);
    }
  }

  private shareDevices(name: string): void {
    const device = deviceOf(name);
    if (device === undefined) return;
    const column = this.column(device);
    if (!this.devices.has(column)) this.devices.set(column, new DeviceTable());
  }

  private noteDevices(slot: number, column: number, table: DeviceTable): void {
    if (!table.free(slot)) return;
    const row = slot * this.stride;
    this.rows[row + column] = table.wholes(slot);
    this.rows[row + this.column(shareOf(this.names[column]!))] = table.largestShare(slot);
  }

  /** Counts the ask on the node. Returns the devices it got, the wanted ones where it is told which. */
  take(slot: number, ask: Ask, wanted?: DeviceHoldings): DeviceHoldings | undefined {
    const { columns, amounts } = ask;
    const row = slot * this.stride;
    for (let i = 0; i < columns.length; i++) this.rows[row + columns[i]!]! -= amounts[i]!;
    ask.placed++;
    return ask.devices && this.takeDevices(slot, ask.devices, wanted);
  }

  /** The devices that `take` would give to this ask; undefined when none of them is shared. */
  devicesFor(slot: number, ask: Ask): DeviceHoldings | undefined {
    const chosen = (ask.devices ?? []).flatMap(({ resource, column, count, millis }) => {
      const table = this.devices.get(column);
      return table?.free(slot) ? [[resource, table.choice(slot, count, millis)] as const] : [];
    });
    return chosen.length > 0 ? Object.fromEntries(chosen) : undefined;
  }

  private takeDevices(
    slot: number,
    asked: readonly DeviceAsk[],
    wanted?: DeviceHoldings,
  ): DeviceHoldings | undefined {
    let held: Record<string, readonly number[]> | undefined;
    for (const { resource, column, count, millis } of asked) {
      const table = this.devices.get(column);
      if (!table?.free(slot)) continue;
      held ??= {};
      held[resource] = table.take(slot, count, millis, wanted?.[resource]);
      this.noteDevices(slot, column, table);
    }
    return held;
  }

  giveBack(slot: number, ask: Ask, held?: DeviceHoldings): void {
    const { columns, amounts } = ask;
    const row = slot * this.stride;
    for (let i = 0; i < columns.length; i++) this.rows[row + columns[i]!]! += amounts[i]!;
    ask.placed--;
    for (const { resource, column, millis } of ask.devices ?? []) {
      const table = this.devices.get(column);
      if (!table?.free(slot)) continue;
      table.giveBack(slot, held?.[resource] ?? [], millis);
      this.noteDevices(slot, column, table);
    }
  }

  clear(slot: number): void {
    for (let c = 0; c < this.names.length; c++) {
      this.allocatable[c]![slot] = 0;
      this.rows[slot * this.stride + c] = 0;
    }
    for (const table of this.devices.values()) table.reset(slot, 0);
  }

  /** What the pods on the node ask for together. */
  requested(column: number, slot: number): number {
    return this.allocatable[column]![slot]! - this.free(column, slot);
  }

  free(column: number, slot: number): number {
    return this.rows[slot * this.stride + column]!;
  }

  fits(slot: number, ask: Ask): boolean {
    const { columns, amounts } = ask;
    const { rows } = this;
    const row = slot * this.stride;
    for (let i = 0; i < columns.length; i++) {
      if (rows[row + columns[i]!]! < amounts[i]!) return false;
    }
    return true;
  }

  /** The ask for these amounts: one and the same object for the same amounts. */
  ask(amounts: Amounts): Ask {
    const folded = foldShares(amounts);
    const pairs = [...folded].map(([name, amount]) => [this.column(name), amount] as const);
    pairs.sort((a, b) => a[0] - b[0]);
    const key = pairs.join();
    const known = this.asks.get(key);
    if (known) return known;
    const devices = [...folded].flatMap(([name, amount]) => this.deviceAsk(name, amount) ?? []);
    const ask: Ask = {
      columns: Int32Array.from(pairs, (p) => p[0]),
      amounts: Float64Array.from(pairs, (p) => p[1]),
      devices: devices.length > 0 ? devices : undefined,
      placed: 0,
    };
    if (this.asks.size >= rememberedAsks) this.asks.clear();
    this.asks.set(key, ask);
    return ask;
  }

  /** Asks that pods had of late, those of pods on nodes among them. */
  knownAsks(): Iterable<Ask> {
    return this.asks.values();
  }

  private deviceAsk(name: string, amount: number): DeviceAsk | undefined {
    if (!isExtended(name)) return undefined;
    const device = deviceOf(name);
    const resource = device ?? name;
    const column = this.column(resource);
    if (device !== undefined) return { resource, column, count: 1, millis: amount };
    return { resource, column, count: amount, millis: wholeDeviceMillis };
  }
}

/** A pod that asks for whole devices and a share of one more gets that one whole too. */
function foldShares(amounts: Amounts): Amounts {
  const folded = new Map(amounts);
  for (const name of amounts.keys()) {
    const device = deviceOf(name);
    const whole = device === undefined ? undefined : amounts.get(device);
    if (device === undefined || whole === undefined) continue;
    folded.delete(name);
    folded.set(device, whole + 1);
  }
  return folded;
}
