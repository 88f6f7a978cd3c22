import { deviceOf, wholeDeviceMillis } from '../devices/device-names.js';
import { choose, maxDevicesPerNode } from '../devices/device-table.js';
import {
  cpuColumn,
  memoryColumn,
  wellKnownResources,
  type Ask,
  type ResourceTable,
} from '../resource-table.js';
import type { FreeDevices, Residue } from './expected-waste.js';
import { amountOf } from './pod-mix.js';

/** What is free on the node now. */
export function residueOf(resources: ResourceTable, slot: number): Residue {
  const devices: FreeDevices[] = [];
  for (let c = wellKnownResources.length; c < resources.names.length; c++) {
    const free = resources.devices.get(c)?.free(slot) ?? counted(resources, c, slot);
    if (free) devices.push({ column: c, free });
  }
  return {
    cpu: resources.free(cpuColumn, slot),
    memory: resources.free(memoryColumn, slot),
    devices,
  };
}

/** Devices that are only counted are all whole; nothing that comes in large numbers is a device. */
function counted(resources: ResourceTable, column: number, slot: number): Int32Array | undefined {
  const offered = resources.allocatable[column]![slot]!;
  if (offered === 0 || offered > maxDevicesPerNode) return undefined;
  if (deviceOf(resources.names[column]!) !== undefined) return undefined;
  return new Int32Array(Math.max(0, resources.free(column, slot))).fill(wholeDeviceMillis);
}

/** What would be free with one more pod. */
export function residueAfter(
  resources: ResourceTable,
  { cpu, memory, devices }: Residue,
  ask: Ask,
): Residue {
  return {
    cpu: cpu - amountOf(ask, cpuColumn),
    memory: memory - amountOf(ask, memoryColumn),
    devices: ask.devices ? devices.map((kind) => devicesAfter(resources, kind, ask)) : devices,
  };
}

function devicesAfter(
  resources: ResourceTable,
  { column, free }: FreeDevices,
  ask: Ask,
): FreeDevices {
  const asked = ask.devices!.find((each) => each.column === column);
  if (!asked) return { column, free };
  const left = free.slice();
  const leftovers = resources.devices.get(column)?.leftovers;
  for (const device of choose(left, asked.count, asked.millis, leftovers)) {
    left[device]! -= asked.millis;
  }
  return { column, free: left };
}
