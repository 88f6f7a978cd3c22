import { badRequest } from '@gantry/base';
import type { LabelSelector } from '../meta/label-selector.js';
import { labelValueRule, qualifiedNameRule } from '../names.js';

export type RequirementOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

export interface Requirement {
  readonly key: string;
  readonly operator: RequirementOperator;
  readonly values: readonly string[];
}

/** All requirements must hold; none: everything matches. `nothing` matches no object at all. */
export interface Selector {
  readonly requirements: readonly Requirement[];
  readonly nothing?: boolean;
}

export type Labels = Readonly<Record<string, string>>;

export const everything: Selector = { requirements: [] };
export const nothing: Selector = { requirements: [], nothing: true };

function holds(requirement: Requirement, labels: Labels): boolean {
  const { key, operator, values } = requirement;
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < Number(values[0]);
  }
}

function isSelector(selector: Selector | LabelSelector): selector is Selector {
  return 'requirements' in selector;
}

/** Whether the labels meet the selector; an absent LabelSelector matches nothing. */
export function matches(
  selector: Selector | LabelSelector | undefined,
  labels: Labels | undefined,
): boolean {
  if (!selector) return false;
  const parsed = isSelector(selector) ? selector : fromLabelSelector(selector);
  if (parsed.nothing) return false;
  return parsed.requirements.every((requirement) => holds(requirement, labels ?? {}));
}

/** The selector that a LabelSelector in an object means: absent nothing, empty everything. */
export function fromLabelSelector(selector: LabelSelector | undefined): Selector {
  if (!selector) return nothing;
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]): Requirement => ({
    key,
    operator: 'In',
    values: [value],
  }));
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }): Requirement => ({ key, operator, values }),
  );
  return { requirements: [...equal, ...expressions] };
}

const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const compare = /^([^\s!=<>]+)\s*(==|=|!=|>|<)\s*([^\s=<>!]*)$/;

/** Splits at commas outside of parentheses. */
function splitTerms(text: string): string[] {
  return text.split(/,(?![^()]*\))/).map((term) => term.trim());
}

function parseTerm(term: string, text: string): Requirement {
  const inSet = set.exec(term);
  if (inSet) {
    const [, key = '', word, list = ''] = inSet;
    const values = list.split(',').map((value) => value.trim());
    return { key, operator: word === 'in' ? 'In' : 'NotIn', values };
  }
  const comparison = compare.exec(term);
  if (comparison) {
    const [, key = '', sign = '', value = ''] = comparison;
    const operators: Record<string, RequirementOperator> = { '!=': 'NotIn', '>': 'Gt', '<': 'Lt' };
    return { key, operator: operators[sign] ?? 'In', values: [value] };
  }
  const bare = /^(!?)\s*([^\s!=<>(),]+)$/.exec(term);
  if (!bare) throw badRequest(`unable to parse requirement "${term}" of label selector "${text}"`);
  return { key: bare[2] ?? '', operator: bare[1] ? 'DoesNotExist' : 'Exists', values: [] };
}

function checkRequirement({ key, operator, values }: Requirement, text: string): void {
  const fault = qualifiedNameRule(key);
  if (fault) throw badRequest(`label selector "${text}": key "${key}": ${fault}`);
  for (const value of values) {
    const wrong =
      operator === 'Gt' || operator === 'Lt'
        ? /^-?\d+$/.test(value)
          ? undefined
          : 'must be an integer'
        : labelValueRule(value);
    if (wrong) throw badRequest(`label selector "${text}": value "${value}": ${wrong}`);
  }
}

/** Parses `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>3`; throws BadRequest naming the faulty part. */
export function parseLabelSelector(text: string): Selector {
  if (text.trim() === '') return everything;
  const requirements = splitTerms(text).map((term) => parseTerm(term, text));
  for (const requirement of requirements) checkRequirement(requirement, text);
  return { requirements };
}

function formatRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'Gt':
      return `${key}>${values[0]}`;
    case 'Lt':
      return `${key}<${values[0]}`;
  }
}

/** The text that {@link parseLabelSelector} reads. */
export function formatSelector(selector: Selector | LabelSelector | undefined): string {
  if (!selector) return '<none>';
  const parsed = isSelector(selector) ? selector : fromLabelSelector(selector);
  return parsed.requirements.map(formatRequirement).join(',');
}
