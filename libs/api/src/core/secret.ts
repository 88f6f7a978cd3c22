import { ApiObject, Describe, Field, map } from '@gantry/api-machinery';

@Describe('Secret holds confidential data for pods; at most 1 MiB.')
export class Secret extends ApiObject {
  @Field('boolean', 'When true, data can no longer be changed.')
  immutable?: boolean;

  @Field(map('bytes'), 'Bytes by key, in base64.')
  data?: Record<string, string>;

  @Field(map('string'), 'Text by key; written into data, never read back.')
  stringData?: Record<string, string>;

  @Field('string', 'What the data are, e.g. Opaque or kubernetes.io/dockerconfigjson.', {
    default: 'Opaque',
  })
  type?: string;
}
