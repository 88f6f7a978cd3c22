import type { Filter } from './filters/filter.js';
import { defaultFilters } from './filters/index.js';
import { hardSpreadScore, softSpreadScore } from './scores/domain-balance.js';
import { imageLocalityScore } from './scores/image-locality.js';
import { packScore, spreadScore } from './scores/packing.js';
import { preferredAffinityScore } from './scores/preferred-affinity.js';
import { preferredPodsScore } from './scores/preferred-pods.js';
import { preferredTaintsScore } from './scores/preferred-taints.js';
import { reserveScore } from './scores/reserve.js';
import type { WeightedScore } from './scores/score.js';
import { deviceWasteScore, wasteScore } from './scores/waste.js';

/** How nodes that fit are ranked: fill machines up, level them, or leave over as little of any resource as can be. */
export type ProfileName = 'bin-pack' | 'spread' | 'balanced';

/** The filters and scores of one way to schedule. */
export interface Profile {
  readonly name: string;
  readonly filters: readonly Filter[];
  readonly scores: readonly WeightedScore[];
}

/** The largest weight that a configuration can give. */
const maxWeight = 1_000;

/** Wishes that a user wrote into the manifest outrank where the profile would like the pod. */
const wishes: readonly WeightedScore[] = [
  { score: hardSpreadScore, weight: 16 },
  { score: softSpreadScore, weight: 2 },
  { score: preferredAffinityScore, weight: 2 },
  { score: preferredPodsScore, weight: 2 },
  { score: preferredTaintsScore, weight: 3 },
  { score: reserveScore, weight: 1 },
];

/** Scores that every profile knows and that count only where a configuration gives them a weight. */
const optional: readonly WeightedScore[] = [{ score: imageLocalityScore, weight: 0 }];

function profile(name: ProfileName, own: readonly WeightedScore[]): Profile {
  return { name, filters: defaultFilters, scores: [...own, ...wishes] };
}

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  'bin-pack': profile('bin-pack', [
    { score: packScore, weight: 1 },
    { score: deviceWasteScore, weight: 1 },
  ]),
  spread: profile('spread', [{ score: spreadScore, weight: 1 }]),
  balanced: profile('balanced', [{ score: wasteScore, weight: 1 }]),
};

/** Changes to a profile; `weights` by the score's name, 0 leaves the score out. */
export interface ProfileChanges {
  readonly weights?: Readonly<Record<string, number>>;
  /** Rules of one's own, asked after those of the profile. */
  readonly filters?: readonly Filter[];
  readonly scores?: readonly WeightedScore[];
}

/** A profile with other weights, and with filters and scores of one's own. RangeError names what is wrong. */
export function customProfile(base: ProfileName, changes: ProfileChanges): Profile {
  const { weights = {}, filters = [], scores = [] } = changes;
  const { name, ...known } = profiles[base];
  const all = [...known.scores, ...optional, ...scores];
  const names = all.map(({ score }) => score.name);
  for (const [score, weight] of Object.entries(weights)) {
    if (!names.includes(score)) {
      throw new RangeError(`profile ${base} has no score ${score}; it has ${names.join(', ')}`);
    }
    if (!(weight >= 0 && weight <= maxWeight)) {
      throw new RangeError(`the weight of ${score} must be from 0 to ${maxWeight}, not ${weight}`);
    }
  }
  const weighted = all.map(({ score, weight }) => ({
    score,
    weight: weights[score.name] ?? weight,
  }));
  return {
    name,
    filters: [...known.filters, ...filters],
    scores: weighted.filter(({ weight }) => weight > 0),
  };
}
