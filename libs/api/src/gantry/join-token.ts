import { ApiObject, Describe, Field, Min, defineKind } from '@gantry/api-machinery';
import { ageColumn, column, nameColumn, wideColumn } from '../core/columns.js';

@Describe('JoinTokenSpec says how long and how often a token serves.')
export class JoinTokenSpec {
  @Min(0)
  @Field('int32', 'How many nodes may still join with it; no bound when absent.')
  usesLeft?: number;

  @Field('time', 'When it ends; never when absent.')
  expiresAt?: string;

  @Field('string', 'SHA-256 of the secret in hexadecimal; set by the server.')
  hash?: string;

  @Field('string', 'What the token is for.')
  description?: string;
}

@Describe('JoinTokenStatus carries the secret once, in the answer to its creation.')
export class JoinTokenStatus {
  @Field('string', 'The token to give to `gantry-agent --token`; never stored, never shown again.')
  token?: string;

  @Field('time', 'When a node last joined with it.')
  lastUsedAt?: string;
}

@Describe('JoinToken lets machines join the cluster as nodes.')
export class JoinToken extends ApiObject {
  @Field(() => JoinTokenSpec, 'How long and how often it serves.')
  spec: JoinTokenSpec;

  @Field(() => JoinTokenStatus, 'The secret, once.')
  status?: JoinTokenStatus;
}

export const JoinTokenKind = defineKind<JoinToken>({
  group: 'gantry.dev',
  version: 'v1',
  kind: 'JoinToken',
  plural: 'jointokens',
  shortNames: ['jt'],
  namespaced: false,
  type: JoinToken,
  subresources: { status: true },
  columns: [
    nameColumn,
    column('Uses Left', 'How many nodes may still join.', ({ spec }) => {
      return String(spec.usesLeft ?? 'unlimited');
    }),
    column('Expires', 'When it ends.', ({ spec }) => spec.expiresAt ?? 'never'),
    ageColumn,
    wideColumn('Description', 'What it is for.', ({ spec }) => spec.description || '<none>'),
  ],
  setDefaults(token) {
    token.spec ??= {};
  },
});
