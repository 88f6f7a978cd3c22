import type { Container, EnvVar, PodTemplateSpec, Probe, Toleration, Volume } from '@gantry/api';
import { field, indent, pairs, section } from './section.js';

function handlerText(probe: Probe): string {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  if (exec) return `exec ${JSON.stringify(exec.command ?? [])}`;
  if (httpGet) {
    const { scheme = 'HTTP', host = '', port, path = '/' } = httpGet;
    return `http-get ${scheme.toLowerCase()}://${host}:${port}${path}`;
  }
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ''}:${tcpSocket.port}`;
  return grpc ? `grpc :${grpc.port} ${grpc.service ?? ''}`.trim() : 'unknown';
}

function probeText(probe: Probe): string {
  const { initialDelaySeconds = 0, timeoutSeconds = 1, periodSeconds = 10 } = probe;
  const { successThreshold = 1, failureThreshold = 3 } = probe;
  return `${handlerText(probe)} delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s period=${periodSeconds}s #success=${successThreshold} #failure=${failureThreshold}`;
}

function envText({ name, value = '', valueFrom }: EnvVar): string {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom ?? {};
  if (fieldRef) return `${name}: (${fieldRef.apiVersion ?? 'v1'}:${fieldRef.fieldPath})`;
  if (resourceFieldRef) return `${name}: (${resourceFieldRef.resource})`;
  if (configMapKeyRef) {
    return `${name}: <set to the key '${configMapKeyRef.key}' of config map '${configMapKeyRef.name}'>`;
  }
  if (secretKeyRef) {
    return `${name}: <set to the key '${secretKeyRef.key}' in secret '${secretKeyRef.name}'>`;
  }
  return `${name}: ${value}`;
}

function mountText({
  mountPath,
  name,
  readOnly,
  subPath,
}: NonNullable<Container['volumeMounts']>[number]) {
  const path = subPath ? `,path="${subPath}"` : '';
  return `${mountPath} from ${name} (${readOnly ? 'ro' : 'rw'}${path})`;
}

/** What a container is to be; its state comes from elsewhere. */
export function containerLines(container: Container): string[] {
  const { ports = [], command, args, resources = {}, env = [], volumeMounts = [] } = container;
  const lines = [...field('Image', container.image)];
  if (ports.length > 0) {
    const texts = ports.map((port) => `${port.containerPort}/${port.protocol ?? 'TCP'}`);
    lines.push(...field('Ports', texts.join(', ')));
  }
  if (command) lines.push(...field('Command', command));
  if (args) lines.push(...field('Args', args));
  if (resources.limits) lines.push(...field('Limits', pairs(resources.limits, ': ')));
  if (resources.requests) lines.push(...field('Requests', pairs(resources.requests, ': ')));
  const probes = {
    Liveness: container.livenessProbe,
    Readiness: container.readinessProbe,
    Startup: container.startupProbe,
  };
  for (const [name, probe] of Object.entries(probes)) {
    if (probe) lines.push(...field(name, probeText(probe)));
  }
  if (env.length > 0) lines.push(...field('Environment', env.map(envText)));
  if (volumeMounts.length > 0) lines.push(...field('Mounts', volumeMounts.map(mountText)));
  return lines;
}

function volumeText(volume: Volume): string {
  const [kind = 'emptyDir', details = {}] =
    Object.entries(volume).find(([key]) => key !== 'name') ?? [];
  const shown = Object.entries(details as Record<string, unknown>)
    .filter(([, value]) => typeof value !== 'object')
    .map(([key, value]) => `${key}=${String(value)}`);
  return [kind, ...shown].join(' ');
}

export function volumeLines(volumes: readonly Volume[] | undefined): string[] {
  return (volumes ?? []).flatMap((volume) => field(volume.name, volumeText(volume)));
}

export function tolerationText({
  key = '',
  operator,
  value,
  effect,
  tolerationSeconds,
}: Toleration): string {
  const what = operator === 'Exists' ? `${key}${key ? ' ' : ''}op=Exists` : `${key}=${value ?? ''}`;
  const seconds = tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`;
  return `${what}${effect ? `:${effect}` : ''}${seconds}`;
}

/** A pod template, for deployments, replica sets and revisions. */
export function templateLines(template: PodTemplateSpec): string[] {
  const { metadata, spec } = template;
  const containers = (list: readonly Container[] = []) =>
    list.flatMap((container) => [`${container.name}:`, ...indent(containerLines(container))]);
  return [
    ...field('Labels', pairs(metadata?.labels)),
    ...(metadata?.annotations ? field('Annotations', pairs(metadata.annotations, ': ')) : []),
    ...section('Init Containers', containers(spec.initContainers)),
    ...section('Containers', containers(spec.containers)),
    ...section('Volumes', volumeLines(spec.volumes)),
    ...(spec.nodeSelector ? field('Node-Selectors', pairs(spec.nodeSelector)) : []),
    ...(spec.tolerations ? field('Tolerations', spec.tolerations.map(tolerationText)) : []),
  ];
}
