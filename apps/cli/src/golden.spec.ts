import { toTable, PodKind } from '@gantry/api';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { topNodesText, topPodsText } from './commands/top.js';
import { shells, completionScript } from './completion/scripts.js';
import { deathLines } from './describe/deaths.js';
import { eventLines } from './describe/events.js';
import { describeNode } from './describe/node.js';
import { describePod } from './describe/pod.js';
import { describeDeployment } from './describe/workload.js';
import { explanationText } from './output/explanation-text.js';
import { objectsText } from './output/objects-text.js';
import { rebalancePlanText } from './output/rebalance-text.js';
import { simulationText } from './output/simulation-text.js';
import { tableText } from './output/table-text.js';
import { buildProgram } from './program.js';
import { builtin } from './resources/builtin.js';
import { historyText } from './rollout/history.js';
import { RecordedTerminal } from './testing/recorded-terminal.js';
import {
  nowMs,
  sampleDeployment,
  sampleEvents,
  sampleNode,
  samplePod,
  sampleReplicaSets,
} from './testing/sample-objects.js';
import { sampleRebalances } from './testing/sample-rebalances.js';
import { sampleSimulations } from './testing/sample-simulations.js';
import { sampleExplanations } from './testing/sample-explanations.js';
import { paint } from './terminal.js';

const golden = (name: string) => `./golden/${name}`;
const text = (lines: readonly string[]) => `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
const program = () =>
  buildProgram({ terminal: new RecordedTerminal(), env: {}, signal: new AbortController().signal });

describe('descriptions', () => {
  it('of a pod', () =>
    expect(
      text([...describePod(samplePod), ...eventLines(sampleEvents, nowMs)]),
    ).toMatchFileSnapshot(golden('describe-pod.txt')));
  it('of a deployment', () =>
    expect(text(describeDeployment(sampleDeployment, sampleReplicaSets))).toMatchFileSnapshot(
      golden('describe-deployment.txt'),
    ));
  it('of a node', () =>
    expect(
      text([...describeNode(sampleNode, [samplePod]), ...eventLines([], nowMs)]),
    ).toMatchFileSnapshot(golden('describe-node.txt')));
});

describe('tables', () => {
  const table = toTable(
    PodKind,
    [samplePod, { ...samplePod, metadata: { name: 'x', namespace: 'b' } }],
    { nowMs },
  );
  it('narrow, wide, with namespaces and labels', () => {
    const all = [
      tableText(table),
      tableText(table, { wide: true }),
      tableText(table, { showNamespace: true, showLabels: true }),
      tableText(table, { headers: false, namePrefix: 'pod/' }),
    ];
    return expect(all.join('---\n')).toMatchFileSnapshot(golden('get-pods.txt'));
  });
  it('colour the status on a terminal alone', () => {
    const coloured = tableText(table, {
      paint: (style, word) => paint({ colours: true }, style, word),
    });
    expect(coloured).toContain('\u001b[31mCrashLoopBackOff\u001b[0m');
    expect(tableText(table)).not.toContain('\u001b');
  });
});

describe('other texts', () => {
  it('why', () =>
    expect(
      [
        ...sampleExplanations.map((each) => explanationText(each)),
        text(deathLines(samplePod)),
      ].join('---\n'),
    ).toMatchFileSnapshot(golden('why.txt')));

  it('rebalance', () =>
    expect(sampleRebalances.map(rebalancePlanText).join('---\n')).toMatchFileSnapshot(
      golden('rebalance.txt'),
    ));

  it('simulate', () =>
    expect(sampleSimulations.map(simulationText).join('---\n')).toMatchFileSnapshot(
      golden('simulate.txt'),
    ));

  it('top', () => {
    const usage = { cpu: '123456789n', memory: '204800Ki' };
    const nodes = topNodesText(
      [{ metadata: { name: 'n1' }, usage }],
      [sampleNode, { ...sampleNode, metadata: { name: 'n2' } }],
    );
    const pods = [
      {
        metadata: { name: 'web', namespace: 'shop' },
        containers: [
          { name: 'a', usage },
          { name: 'b', usage },
        ],
      },
    ];
    const all = [
      nodes,
      topPodsText(pods),
      topPodsText(pods, { containers: true, namespaces: true }),
    ];
    return expect(all.join('---\n')).toMatchFileSnapshot(golden('top.txt'));
  });

  it('rollout history', () => {
    const revisions = sampleReplicaSets.map((replicaSet, index) => ({
      number: index + 1,
      replicaSet,
    }));
    const resource = builtin('Deployment');
    const all = [undefined, '2'].map((asked) =>
      historyText(resource, sampleDeployment, revisions, asked),
    );
    expect(() => historyText(resource, sampleDeployment, revisions, '9')).toThrow(
      'there are: 1, 2',
    );
    return expect(all.join('---\n')).toMatchFileSnapshot(golden('rollout-history.txt'));
  });

  it('yaml and json', async () => {
    const object = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: {
        name: 'c',
        managedFields: [{ manager: 'x' }],
        creationTimestamp: '2026-11-21T11:00:00Z',
      },
      data: { yes: 'no', number: '0644', text: 'two\nlines\n' },
    };
    const all = [
      await objectsText([object], 'yaml', false),
      await objectsText([object], 'json', true),
    ];
    return expect(all.join('---\n')).toMatchFileSnapshot(golden('objects.txt'));
  });

  it('help of the program and of each verb', async () => {
    const help = (command: Command) => command.configureHelp({ helpWidth: 100 }).helpInformation();
    const whole = program();
    const all = [whole, ...whole.commands.flatMap((command) => [command, ...command.commands])];
    await expect(all.map(help).join('\n')).toMatchFileSnapshot(golden('help.txt'));
  });

  it.each(shells)('completion for %s', (shell) =>
    expect(completionScript(shell, program())).toMatchFileSnapshot(golden(`completion.${shell}`)),
  );
});
