/**
 * The loop around the scheduler library: `SchedulingLoop` keeps a snapshot from the watch, queues pending
 * pods, decides in batches and commits bindings optimistically; `whySubresource` explains. Only the
 * leader binds; every control plane can explain.
 */
export { SchedulingModule } from './scheduling.module.js';
export { SchedulingLoop, type SchedulingLoopOptions } from './scheduling-loop.js';
export { SchedulingMetrics } from './scheduling-metrics.js';
export { whySubresource, type WhyOptions } from './why.js';
