/**
 * The controllers: each watches some kinds and brings the cluster closer to their specs, level-triggered,
 * idempotent and only on the leader. They write through the API's own rules, fenced by the leadership.
 */
export { ControllersModule } from './controllers.module.js';
