import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeGroup, removeGroup } from './cgroups.ts';
import { bridgeName, gateway, type TestNetwork } from './network.ts';
import { eventually, must, run, type Outcome, type RunOptions } from './process.ts';

export interface HostOptions {
  readonly name: string;
  /** IPv4 address on the hosts' network, e.g. 10.99.0.1. */
  readonly address: string;
  readonly network: TestNetwork;
  /** A folder on a disk that can carry overlay uppers (ext4 or tmpfs). */
  readonly directory: string;
  /** Folders shown read-only inside: `{outside: inside}`. */
  readonly binds: Readonly<Record<string, string>>;
  /** Prefix of the host's cgroup. */
  readonly group: string;
}

// What the machine itself may run must not start again in its copies.
const maskedUnits = [
  'docker.service docker.socket containerd.service podman.socket podman.service etcd.service',
  'docker-registry.service postgresql.service apt-daily.timer apt-daily-upgrade.timer',
  'dpkg-db-backup.timer man-db.timer fstrim.timer e2scrub_reap.service',
].flatMap((line) => line.split(' '));

// SIGRTMIN+4 asks systemd to power off.
const powerOffSignal = 38;

// systemd-nspawn's own filter denies calls that an orchestrator's host needs.
const allowedCalls =
  'bpf keyctl add_key request_key perf_event_open open_by_handle_at userfaultfd @mount';

/** A host that runs systemd as PID 1, its root an overlay over this machine's own. */
export class Host {
  private nspawn: ChildProcess | undefined;
  private leader = 0;

  readonly options: HostOptions;

  constructor(options: HostOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  private get root(): string {
    return join(this.options.directory, this.name);
  }

  /** What this host's disk keeps, seen from outside. */
  path(inside: string): string {
    return join(this.root, 'upper', inside);
  }

  async boot(): Promise<void> {
    const first = this.nspawn === undefined;
    const merged = join(this.root, 'merged');
    if (first) await this.prepare(merged);
    const joins = makeGroup(`${this.options.group}/${this.name}`).map(
      (file) => `echo $$ > ${file}`,
    );
    const log = join(this.root, 'console.log');
    const script = [
      `exec </dev/null >>${log} 2>&1`,
      ...joins,
      `exec ${this.nspawnCommand(merged)}`,
    ];
    const argv = this.options.network.inside(['sh', '-c', script.join('; ')]);
    this.nspawn = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore' });
    await this.findLeader(this.nspawn);
    await eventually(`${this.name} to boot (see ${log})`, async () => {
      const state = await this.run(['systemctl', 'is-system-running']);
      return /running|degraded/.test(state.stdout);
    });
  }

  private async prepare(merged: string): Promise<void> {
    for (const part of ['upper', 'work', 'merged', 'var'])
      mkdirSync(join(this.root, part), { recursive: true });
    const layers = `lowerdir=/,upperdir=${join(this.root, 'upper')},workdir=${join(this.root, 'work')}`;
    await must(
      this.options.network.inside(['mount', '-t', 'overlay', 'overlay', '-o', layers, merged]),
    );
    this.writeConfiguration(join(this.root, 'setup'));
    const setup = `cp -rT ${join(this.root, 'setup')} ${merged}`;
    const units = `${merged}/etc/systemd/system`;
    const wipe = `rm -rf ${units}/*.wants ${units}/*.requires ${merged}/var/lib/gantry ${merged}/etc/gantry ${merged}/var/lib/node`;
    await must(this.options.network.inside(['sh', '-c', `${wipe}; ${setup}`]));
  }

  private writeConfiguration(setup: string): void {
    const units = join(setup, 'etc/systemd/system');
    mkdirSync(join(units, 'multi-user.target.wants'), { recursive: true });
    mkdirSync(join(setup, 'etc/systemd/network'), { recursive: true });
    for (const unit of maskedUnits) symlinkSync('/dev/null', join(units, unit));
    const networkd = 'systemd-networkd.service';
    symlinkSync(
      `/lib/systemd/system/${networkd}`,
      join(units, 'multi-user.target.wants', networkd),
    );
    const link = [
      '[Match]\nName=host0\n[Network]\nLinkLocalAddressing=no',
      `Address=${this.options.address}/24\nGateway=${gateway}\n`,
    ].join('\n');
    writeFileSync(join(setup, 'etc/systemd/network/50-host0.network'), link);
    writeFileSync(join(setup, 'etc/hostname'), `${this.name}\n`);
    for (const empty of ['etc/machine-id', 'etc/fstab']) writeFileSync(join(setup, empty), '');
  }

  private nspawnCommand(merged: string): string {
    const binds = Object.entries(this.options.binds).map(([from, to]) => `--bind-ro=${from}:${to}`);
    return [
      `systemd-nspawn -q -D ${merged} -b --register=no --keep-unit --machine=${this.name}`,
      `--network-bridge=${bridgeName} --capability=all --resolv-conf=off --timezone=off`,
      `--link-journal=no --system-call-filter='${allowedCalls}'`,
      `--bind=${join(this.root, 'var')}:/var/lib/gantry --bind=/dev/fuse ${binds.join(' ')}`,
    ].join(' ');
  }

  // nspawn forks twice on the way to the host's PID 1: only the last child is first in its own namespace.
  private async findLeader(nspawn: ChildProcess): Promise<void> {
    this.leader = await eventually(`${this.name}'s PID 1`, async () => {
      const children = (await run(['pgrep', '-P', String(nspawn.pid)])).stdout.split('\n');
      return children.map(Number).find((pid) => pid > 0 && isFirst(pid));
    });
  }

  run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run(['nsenter', '-a', '-t', String(this.leader), ...argv], options);
  }

  async must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const outcome = await this.run(argv, options);
    if (outcome.code === 0) return outcome.stdout;
    throw new Error(
      `${this.name}: ${argv.join(' ')} ended with ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`,
    );
  }

  shell(script: string, options: RunOptions = {}): Promise<string> {
    return this.must(['bash', '-ec', script], options);
  }

  cut(): Promise<void> {
    return this.options.network.setLink(this.name, 'down');
  }

  plug(): Promise<void> {
    return this.options.network.setLink(this.name, 'up');
  }

  /** As if the power had gone: no process of the host gets a signal that it could handle. */
  async crash(): Promise<void> {
    if (existsSync(`/proc/${this.leader}`)) process.kill(this.leader, 'SIGKILL');
    this.nspawn?.kill('SIGKILL');
    await this.gone();
  }

  /** An orderly shutdown. */
  async powerOff(): Promise<void> {
    process.kill(this.leader, powerOffSignal);
    await this.gone();
  }

  private async gone(): Promise<void> {
    const { nspawn } = this;
    if (!nspawn) return;
    await eventually(`${this.name} to go down`, async () => !isRunning(nspawn));
  }

  async close(): Promise<void> {
    if (this.nspawn && isRunning(this.nspawn)) await this.crash();
    // The last processes of a crashed host leave their groups a moment after its first one.
    await eventually(`the groups of ${this.name} to be empty`, async () => {
      removeGroup(`${this.options.group}/${this.name}`);
      return true;
    });
    rmSync(this.root, { recursive: true, force: true });
  }
}

function isFirst(pid: number): boolean {
  return /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
