import { constants } from 'node:os';
import type { ExitRecord } from '@gantry/runtime-client';

const mib = 2 ** 20;

/** Above this share of throttled periods the CPU limit is worth a word. */
const throttledShare = 0.25;

const faults: Partial<Record<NodeJS.Signals, string>> = {
  SIGSEGV: 'it used memory that is not its own',
  SIGBUS: 'it used memory that could not be had',
  SIGFPE: 'it calculated what has no result, such as a division by zero',
  SIGILL: 'it ran an instruction that the processor does not know',
  SIGSYS: 'it made a system call that its seccomp profile forbids',
  SIGABRT: 'it gave up by itself',
};

function signalName(number: number | undefined): string {
  const known = Object.entries(constants.signals).find(([, value]) => value === number);
  return known?.[0] ?? `signal ${number}`;
}

function size(bytes: number | undefined): string {
  return bytes === undefined ? 'unknown' : `${Math.round((bytes / mib) * 10) / 10} MiB`;
}

function ofMemory({ memoryLimitBytes, memoryPeakBytes }: ExitRecord): string {
  if (memoryLimitBytes === undefined) {
    return `killed by the kernel: the host ran out of memory, peak ${size(memoryPeakBytes)}`;
  }
  return `killed by the kernel: ${size(memoryLimitBytes)} limit reached, peak ${size(memoryPeakBytes)}`;
}

function ofRequest({ killedBy, exitCode, signal }: ExitRecord): string {
  const { request } = killedBy!;
  const how = `${signal ? 'ended by' : `returned ${exitCode} after`} ${signalName(request?.signal)}`;
  if (request?.reason) return `${how}: ${request.reason}`;
  const { sender } = request ?? {};
  return sender ? `${how}, which ${sender.name} (pid ${sender.pid}) asked the runtime for` : how;
}

function cause(exit: ExitRecord): string | undefined {
  const name = signalName(exit.signal);
  switch (exit.killedBy?.culprit) {
    case 'oom':
      return ofMemory(exit);
    case 'request':
      return ofRequest(exit);
    case 'fault':
      return `ended by ${name}: ${faults[name as NodeJS.Signals] ?? 'a fault of its own'}`;
    case 'outside':
      return `ended by ${name} from a process outside of the container`;
    case 'unknown':
      return `ended by ${name} from a process that shares its process namespace`;
    case undefined:
      return exit.problem;
  }
}

function throttling({ throttledMicros = 0, throttledPeriods = 0, cpuPeriods = 0 }: ExitRecord) {
  if (cpuPeriods === 0 || throttledPeriods / cpuPeriods < throttledShare) return undefined;
  const seconds = (throttledMicros / 1e6).toFixed(1);
  return `its CPU limit held it back for ${seconds} s in all`;
}

/** Why a container ended, in one sentence for people; undefined when it returned by itself. */
export function deathSentence(exit: ExitRecord): string | undefined {
  const why = cause(exit);
  const failed = why !== undefined || exit.exitCode !== 0;
  const held = failed ? throttling(exit) : undefined;
  return [why, held].filter(Boolean).join('; ') || undefined;
}
