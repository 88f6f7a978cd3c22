import { NodeKind, type Node, type NodeCondition, type NodeStatus } from '@gantry/api';
import { isReason } from '@gantry/base';
import type { Resources } from '../api/index.js';

/** Condition types that agents write; all others belong to somebody else and are kept. */
const agentConditions = new Set(['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']);

/** Annotations that agents write; all others belong to somebody else and are kept. */
const agentAnnotations = ['gantry.dev/snapshotter', 'gantry.dev/snapshotter-reason'];

type Texts = Readonly<Record<string, string>>;

/** What the agent says now, and nothing of what it said before. */
function mergeAnnotations(stored: Texts = {}, told: Texts = {}): Texts {
  const own = new Set(agentAnnotations);
  const others = Object.entries(stored).filter(([name]) => !own.has(name));
  const said = Object.entries(told).filter(([name]) => own.has(name));
  return Object.fromEntries([...others, ...said]);
}

function mergeConditions(stored: readonly NodeCondition[], told: readonly NodeCondition[]) {
  const others = stored.filter((condition) => !agentConditions.has(condition.type));
  const own = told.filter((condition) => agentConditions.has(condition.type));
  return [...others, ...own];
}

function mergeStatus(stored: NodeStatus | undefined, told: NodeStatus): NodeStatus {
  const { capacity, allocatable, addresses, nodeInfo, conditions = [], images } = told;
  const merged = mergeConditions(stored?.conditions ?? [], conditions);
  return { ...stored, capacity, allocatable, addresses, nodeInfo, images, conditions: merged };
}

/** Brings what agents say of their nodes into the Node objects. Spec stays the user's. */
export class NodeRegistrar {
  constructor(private readonly resources: Resources) {}

  /** Creates the Node or brings it up to date; `told` counts for the node of this name alone. */
  async register(name: string, told: Node): Promise<Node> {
    const { labels = {}, annotations = {} } = told.metadata ?? {};
    await this.ensure(name, labels, annotations);
    return this.updateStatus(name, told.status ?? {});
  }

  async updateStatus(name: string, told: NodeStatus): Promise<Node> {
    return this.resources.mutateStatus(NodeKind, undefined, name, (current) => ({
      ...current,
      status: mergeStatus(current.status, told),
    }));
  }

  private async ensure(name: string, labels: Texts, annotations: Texts): Promise<void> {
    const fresh: Node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels, annotations: mergeAnnotations({}, annotations) },
      spec: {},
    };
    try {
      await this.resources.create(NodeKind, undefined, fresh);
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      await this.resources.mutate(NodeKind, undefined, name, (current) => {
        const { metadata } = current;
        const merged = {
          labels: { ...metadata.labels, ...labels },
          annotations: mergeAnnotations(metadata.annotations, annotations),
        };
        return { ...current, metadata: { ...metadata, ...merged } };
      });
    }
  }
}
