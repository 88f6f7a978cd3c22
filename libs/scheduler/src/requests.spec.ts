import { expect, test } from 'vitest';
import { podRequests } from './requests.js';

const container = (cpu: string, memory?: string) => ({
  resources: { requests: { cpu, ...(memory ? { memory } : {}) } },
});

test('containers add up, in thousandths of a core and bytes, with one of pods', () => {
  const requests = podRequests({ containers: [container('500m', '1Gi'), container('1', '512Mi')] });
  expect(Object.fromEntries(requests)).toEqual({ cpu: 1500, memory: 1.5 * 2 ** 30, pods: 1 });
});

test('an init container counts by its peak, not beside the containers', () => {
  const initContainers = [container('2', '100Mi'), container('1', '300Mi')];
  const requests = podRequests({ containers: [container('500m', '200Mi')], initContainers });
  expect([requests.get('cpu'), requests.get('memory')]).toEqual([2000, 300 * 2 ** 20]);
});

test('a sidecar stays: it adds to the containers and to every init container after it', () => {
  const sidecar = { ...container('300m'), restartPolicy: 'Always' };
  const initContainers = [container('1'), sidecar, container('1')];
  expect(podRequests({ containers: [container('500m')], initContainers }).get('cpu')).toBe(1300);
  expect(podRequests({ containers: [container('5')], initContainers }).get('cpu')).toBe(5300);
});

test('overhead comes on top, also over an init peak', () => {
  const spec = {
    containers: [container('1')],
    initContainers: [container('2')],
    overhead: { cpu: '250m', memory: '64Mi' },
  };
  expect(Object.fromEntries(podRequests(spec))).toEqual({ cpu: 2250, memory: 2 ** 26, pods: 1 });
});

test('a limit without a request is the request', () => {
  const resources = { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1' } };
  expect(Object.fromEntries(podRequests({ containers: [{ resources }] }))).toEqual({
    cpu: 1000,
    memory: 2 ** 30,
    pods: 1,
  });
});

test('parts of a thousandth and of a byte are rounded up', () => {
  const requests = podRequests({ containers: [container('100u', '1500m')] });
  expect([requests.get('cpu'), requests.get('memory')]).toEqual([1, 2]);
});
