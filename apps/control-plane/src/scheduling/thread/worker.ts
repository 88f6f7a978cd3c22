/** What runs in the scheduler's thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { hostScheduler } from './scheduler-host.js';
import type { SchedulingTask } from './messages.js';

if (!parentPort) throw new Error('this is a thread of the control plane; run `serve`');
void hostScheduler(parentPort, workerData as SchedulingTask);
