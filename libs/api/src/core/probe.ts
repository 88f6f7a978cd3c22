import { Describe, Field, IsIn, Max, Min, list } from '@gantry/api-machinery';

export type UriScheme = 'HTTP' | 'HTTPS';

@Describe('ExecAction runs a command in the container; exit code 0 is success.')
export class ExecAction {
  @Field(list('string'), 'Command and arguments; no shell is involved.')
  command?: string[];
}

@Describe('HTTPHeader is one header of a request.')
export class HTTPHeader {
  @Field('string', 'Name of the header.', { required: true })
  name: string;

  @Field('string', 'Value of the header.', { required: true })
  value: string;
}

@Describe('HTTPGetAction asks by HTTP; a code from 200 to 399 is success.')
export class HTTPGetAction {
  @Field('string', 'Path to ask for.', { default: '/' })
  path?: string;

  @Field('intOrString', 'Number or name of the port, 1 to 65535.', { required: true })
  port: number | string;

  @Field('string', 'Host to connect to; the pod address when absent.')
  host?: string;

  @IsIn(['HTTP', 'HTTPS'])
  @Field('string', 'HTTP or HTTPS.', { default: 'HTTP' })
  scheme?: UriScheme;

  @Field(list(() => HTTPHeader), 'Headers to send.')
  httpHeaders?: HTTPHeader[];
}

@Describe('TCPSocketAction connects; an opened connection is success.')
export class TCPSocketAction {
  @Field('intOrString', 'Number or name of the port, 1 to 65535.', { required: true })
  port: number | string;

  @Field('string', 'Host to connect to; the pod address when absent.')
  host?: string;
}

@Describe('GRPCAction asks the gRPC health checking protocol.')
export class GRPCAction {
  @Min(1)
  @Max(65535)
  @Field('int32', 'Port of the gRPC service.', { required: true })
  port: number;

  @Field('string', 'Name of the service to ask for.', { default: '' })
  service?: string;
}

@Describe('SleepAction waits.')
export class SleepAction {
  @Field('int64', 'Seconds to wait.', { required: true })
  seconds: number;
}

@Describe('Probe checks a container from time to time.')
export class Probe {
  @Field(() => ExecAction, 'A command in the container.')
  exec?: ExecAction;

  @Field(() => HTTPGetAction, 'An HTTP request.')
  httpGet?: HTTPGetAction;

  @Field(() => TCPSocketAction, 'A TCP connection.')
  tcpSocket?: TCPSocketAction;

  @Field(() => GRPCAction, 'A gRPC health check.')
  grpc?: GRPCAction;

  @Min(0)
  @Field('int32', 'Seconds after the start before the first probe.')
  initialDelaySeconds?: number;

  @Min(1)
  @Field('int32', 'Seconds after which a probe counts as failed.', { default: 1 })
  timeoutSeconds?: number;

  @Min(1)
  @Field('int32', 'Seconds between probes.', { default: 10 })
  periodSeconds?: number;

  @Min(1)
  @Field('int32', 'Successes in a row that count as healthy; 1 for liveness and startup.', {
    default: 1,
  })
  successThreshold?: number;

  @Min(1)
  @Field('int32', 'Failures in a row that count as unhealthy.', { default: 3 })
  failureThreshold?: number;

  @Min(1)
  @Field('int64', 'Grace period when this probe ends the container; not for readiness.')
  terminationGracePeriodSeconds?: number;
}

@Describe('LifecycleHandler is what runs at a hook; exactly one is set.')
export class LifecycleHandler {
  @Field(() => ExecAction, 'A command in the container.')
  exec?: ExecAction;

  @Field(() => HTTPGetAction, 'An HTTP request.')
  httpGet?: HTTPGetAction;

  @Field(() => TCPSocketAction, 'Kept for compatibility; refused by Kubernetes too.')
  tcpSocket?: TCPSocketAction;

  @Field(() => SleepAction, 'A pause.')
  sleep?: SleepAction;
}

@Describe('Lifecycle holds the hooks of a container.')
export class Lifecycle {
  @Field(() => LifecycleHandler, 'Runs right after the start; a failure ends the container.')
  postStart?: LifecycleHandler;

  @Field(() => LifecycleHandler, 'Runs before the container is stopped, within the grace period.')
  preStop?: LifecycleHandler;

  @Field('string', 'Signal that stops the container; else the one of its image, else SIGTERM.')
  stopSignal?: string;
}
