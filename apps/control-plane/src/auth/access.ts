/** Who asks. `groups` as in Kubernetes, e.g. system:masters. */
export interface UserInfo {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What somebody wants to do, in the terms of Kubernetes' authorization. */
export interface AccessAttributes {
  readonly verb: string;
  /** Set for requests outside of the resources, such as /version or discovery. */
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}
