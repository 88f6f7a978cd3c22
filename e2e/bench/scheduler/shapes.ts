/**
 * Sizes of machines and of pods in a real cluster, as counts: distilled from Alibaba's "openb" trace
 * (cluster-trace-gpu-v2023 of alibaba/clusterdata, commit 7a6c496). The most frequent shapes only.
 */
export interface Shape {
  readonly cpuMillis: number;
  readonly memoryMebibytes: number;
  /** How often it occurs in the trace. */
  readonly count: number;
}

const shape = (cpuMillis: number, memoryMebibytes: number, count: number): Shape => ({
  cpuMillis,
  memoryMebibytes,
  count,
});

/** 1,500 of its 1,523 machines. */
export const machines: readonly Shape[] = [
  shape(96_000, 393_216, 596),
  shape(104_000, 524_288, 407),
  shape(32_000, 262_144, 129),
  shape(16_000, 122_880, 107),
  shape(96_000, 524_288, 59),
  shape(32_000, 131_072, 51),
  shape(128_000, 786_432, 39),
  shape(64_000, 262_144, 37),
  shape(64_000, 524_288, 22),
  shape(96_000, 786_432, 21),
  shape(8_000, 32_768, 19),
  shape(32_000, 65_536, 10),
];

/** 6,700 of its 8,152 pods. */
export const pods: readonly Shape[] = [
  shape(3_152, 5_600, 1_592),
  shape(11_300, 49_152, 857),
  shape(11_908, 47_104, 778),
  shape(8_000, 30_517, 649),
  shape(11_400, 48_128, 534),
  shape(12_500, 57_344, 364),
  shape(32_000, 49_152, 284),
  shape(18_708, 64_512, 255),
  shape(9_810, 41_560, 195),
  shape(4_000, 22_888, 189),
  shape(4_000, 15_258, 182),
  shape(12_000, 24_576, 158),
  shape(15_700, 58_368, 158),
  shape(4_152, 10_600, 152),
  shape(4_000, 30_517, 136),
  shape(15_400, 51_200, 120),
  shape(16_000, 32_768, 108),
];
