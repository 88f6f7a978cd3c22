import { formatGrid } from './grid.js';

interface NodeExplanation {
  readonly name: string;
  readonly fits: boolean;
  readonly reasons?: readonly string[];
  readonly score?: number;
}

interface RefusalCount {
  readonly filter: string;
  readonly reason: string;
  readonly count: number;
  readonly nodes: readonly string[];
}

interface Candidate {
  readonly node: string;
  readonly score: number;
  readonly scores: Readonly<Record<string, number>>;
}

/** gantry.dev/v1 PlacementExplanation: what the scheduler says of a pod and of each node. */
export interface PlacementExplanation {
  readonly message: string;
  readonly suggestion?: string;
  readonly nodes?: readonly NodeExplanation[];
  readonly refusals?: readonly RefusalCount[];
  readonly changes?: readonly { readonly text: string; readonly node: string }[];
  readonly candidates?: readonly Candidate[];
}

type Mark = (fits: boolean, text: string) => string;

/** Nodes that are told one by one; of more, the reasons are counted. */
const maxNodes = 20;
const maxReasons = 10;
const maxNames = 3;

/** The explanation as text: the sentence, the nodes or the reasons, what decided, what would help. */
export function explanationText(
  explanation: PlacementExplanation,
  mark: Mark = (_, text) => text,
): string {
  const { nodes = [], candidates = [], changes = [], suggestion } = explanation;
  // What to do stands below, in full.
  const message = changes.length > 0 ? withoutAdvice(explanation) : explanation.message;
  const parts = [
    [message],
    nodes.length > maxNodes ? reasonLines(explanation) : nodeLines(nodes, mark),
    candidates.length > 0 ? candidateLines(candidates) : [],
    changes.length > 0 ? changeLines(changes) : suggestion ? [suggestion] : [],
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function withoutAdvice({ message, suggestion }: PlacementExplanation): string {
  const end = suggestion ? `; ${suggestion}` : '';
  return end && message.endsWith(end) ? message.slice(0, -end.length) : message;
}

const rounded = (score: number) => String(Math.round(score * 100) / 100);

function gridLines(rows: string[][]): string[] {
  return formatGrid(rows).trimEnd().split('\n');
}

function nodeLines(nodes: readonly NodeExplanation[], mark: Mark): string[] {
  if (nodes.length === 0) return [];
  const sorted = nodes.toSorted(
    (a, b) => Number(b.fits) - Number(a.fits) || (b.score ?? 0) - (a.score ?? 0),
  );
  const rows = sorted.map(({ name, fits, reasons = [], score }) => [
    name,
    fits ? 'yes' : 'no',
    reasons.join('; ') || (score === undefined ? '' : `score ${rounded(score)}`),
  ]);
  const [header = '', ...body] = gridLines([['NODE', 'FITS', 'REASON'], ...rows]);
  return [header, ...body.map((line, i) => mark(sorted[i]!.fits, line))];
}

function reasonLines({ refusals = [] }: PlacementExplanation): string[] {
  if (refusals.length === 0) return [];
  const rows = refusals.slice(0, maxReasons).map(({ filter, reason, count, nodes }) => {
    const named = nodes.slice(0, maxNames).join(', ');
    return [String(count), filter, reason, count > maxNames ? `${named}, …` : named];
  });
  return gridLines([['NODES', 'FILTER', 'REASON', 'NAMES'], ...rows]);
}

/** What each score gave the best nodes, and which of them made the difference to the next. */
function candidateLines(candidates: readonly Candidate[]): string[] {
  const names = [...new Set(candidates.flatMap(({ scores }) => Object.keys(scores)))];
  const telling = names.filter((name) =>
    candidates.some(({ scores }) => (scores[name] ?? 0) !== 0),
  );
  const rows = candidates.map(({ node, score, scores }) => [
    node,
    rounded(score),
    ...telling.map((name) => rounded(scores[name] ?? 0)),
  ]);
  const lines = gridLines([
    ['CANDIDATE', 'SCORE', ...telling.map((n) => n.toUpperCase())],
    ...rows,
  ]);
  const [first, second] = candidates;
  if (!first || !second) return lines;
  const leads = telling
    .map((name) => ({ name, by: (first.scores[name] ?? 0) - (second.scores[name] ?? 0) }))
    .filter(({ by }) => by > 1e-9)
    .sort((a, b) => b.by - a.by);
  const decided = leads[0]
    ? `${first.node} is ahead of ${second.node} by ${leads[0].name} (${rounded(leads[0].by)})`
    : `${first.node} and ${second.node} are equally good; the one that joined first is taken`;
  return [...lines, decided];
}

function changeLines(changes: readonly { text: string; node: string }[]): string[] {
  const head = 'Each of these would make it fit (tried out on the cluster as it is):';
  const lines = changes.map(({ text, node }) =>
    text.includes(node) || text.startsWith('add a node') ? `  - ${text}` : `  - ${text} (${node})`,
  );
  return [
    changes.length === 1 ? 'This would make it fit (tried out on the cluster as it is):' : head,
    ...lines,
  ];
}
