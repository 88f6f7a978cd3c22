import type { Reason, LogLevel } from '@gantry/base';
import type { Pod } from '@gantry/api';
import type { PlacementExplanation, ProfileName } from '@gantry/scheduler';
import type { Config } from '../../config.js';
import type { CheckpointConfig } from '../checkpoint/checkpoints.js';

/** What a scheduler in a thread of its own needs to know; it crosses as a copy, so it holds no functions. */
export interface SchedulingTask {
  readonly config: Pick<
    Config,
    'store' | 'etcdCa' | 'etcdCertificate' | 'etcdKey' | 'decisionLog' | 'eventTtlMinutes'
  > &
    CheckpointConfig;
  readonly profile: { readonly name: ProfileName; readonly weights: Record<string, number> };
  readonly logLevel: LogLevel;
  /** The term of leadership under which it writes. */
  readonly fence: { readonly key: string; readonly modRevision: bigint };
}

/** What can be asked, by the name of the question: what it takes and what it gives. */
export interface Questions {
  explain: { asked: { pod: Pod; thorough: boolean }; answer: PlacementExplanation };
  /** In Prometheus' text format. */
  metrics: { asked: undefined; answer: string };
}

export type Question = keyof Questions;

export type ToScheduler =
  | { readonly type: 'stop' }
  | {
      readonly type: 'ask';
      readonly id: number;
      readonly question: Question;
      readonly asked: Questions[Question]['asked'];
    };

export type FromScheduler =
  /** The snapshot shows the cluster: from now on it can be asked. */
  | { readonly type: 'fed' }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | {
      readonly type: 'refusal';
      readonly id: number;
      readonly reason: Reason;
      readonly message: string;
    }
  | { readonly type: 'failed'; readonly message: string };
