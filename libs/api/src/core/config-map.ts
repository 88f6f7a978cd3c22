import { ApiObject, Describe, Field, map } from '@gantry/api-machinery';

@Describe('ConfigMap holds configuration for pods; at most 1 MiB.')
export class ConfigMap extends ApiObject {
  @Field('boolean', 'When true, data can no longer be changed.')
  immutable?: boolean;

  @Field(map('string'), 'Text by key.')
  data?: Record<string, string>;

  @Field(map('bytes'), 'Bytes by key, in base64.')
  binaryData?: Record<string, string>;
}
