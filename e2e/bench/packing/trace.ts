import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TraceNode {
  readonly cpuMillis: number;
  readonly memoryMebibytes: number;
  readonly gpus: number;
}

export interface TracePod {
  readonly cpuMillis: number;
  readonly memoryMebibytes: number;
  readonly gpus: number;
  /** Of each of its GPUs, in thousandths. */
  readonly gpuMillis: number;
}

export interface Trace {
  readonly nodes: readonly TraceNode[];
  /** In the order of their arrival. */
  readonly pods: readonly TracePod[];
}

const files = { nodes: 'openb_node_list_all_node.csv', pods: 'openb_pod_list_default.csv' };

type Row = (column: string) => number;

function rows(directory: string, file: string): Row[] {
  const [head = '', ...lines] = readFileSync(join(directory, file), 'utf8').trim().split('\n');
  const columns = head.trim().split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return (column) => {
      const value = Number(cells[columns.indexOf(column)] ?? Number.NaN);
      if (!Number.isFinite(value)) throw new Error(`${file}: no number for ${column} in: ${line}`);
      return value;
    };
  });
}

/** What the directory lacks of the trace and where to get it; empty when it is all there. */
export function lackOf(directory: string | undefined): string {
  const missing = Object.values(files).filter(
    (file) => directory === undefined || !existsSync(join(directory, file)),
  );
  if (missing.length === 0) return '';
  return `there must be ${missing.join(' and ')}: see cluster-trace-gpu-v2023 in https://github.com/alibaba/clusterdata`;
}

/** Reads the trace from a directory that lacks nothing. */
export function readTrace(directory: string): Trace {
  return {
    nodes: rows(directory, files.nodes).map((row) => ({
      cpuMillis: row('cpu_milli'),
      memoryMebibytes: row('memory_mib'),
      gpus: row('gpu'),
    })),
    pods: rows(directory, files.pods).map((row) => ({
      cpuMillis: row('cpu_milli'),
      memoryMebibytes: row('memory_mib'),
      gpus: row('num_gpu'),
      gpuMillis: row('num_gpu') > 0 ? row('gpu_milli') : 0,
    })),
  };
}
