import { registry } from './cluster.ts';

interface DeploymentOptions {
  readonly name: string;
  readonly replicas: number;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly resources?: object;
  readonly node?: string;
  readonly probe?: boolean;
  readonly spec?: object;
}

export const webImage = `${registry}/hello-web:1.0`;

/** A container of the sample image with small requests; `command` replaces its web server. */
function container(options: Omit<DeploymentOptions, 'replicas'>): object {
  const resources = options.resources ?? { requests: { cpu: '50m', memory: '16Mi' } };
  const probe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 };
  return {
    name: 'main',
    image: options.image ?? webImage,
    ...(options.command ? { command: options.command } : {}),
    ...(options.probe ? { readinessProbe: probe } : {}),
    resources,
  };
}

function podSpec(options: Omit<DeploymentOptions, 'replicas'>): object {
  return {
    terminationGracePeriodSeconds: 1,
    ...(options.node ? { nodeSelector: { 'kubernetes.io/hostname': options.node } } : {}),
    containers: [container(options)],
  };
}

/** A Deployment whose pods carry the label `app=NAME`. */
export function deployment(options: DeploymentOptions): object {
  const labels = { app: options.name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: options.name },
    spec: {
      replicas: options.replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(options) },
      ...options.spec,
    },
  };
}

/** A bare Pod with the label `app=NAME`. */
export function pod(options: Omit<DeploymentOptions, 'replicas'>): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: options.name, labels: { app: options.name } },
    spec: { ...podSpec(options), ...options.spec },
  };
}
