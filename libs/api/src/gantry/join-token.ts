import { Min } from 'class-validator';
import { ApiObject, Describe, Field } from '@gantry/api-machinery';

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
