/** Kubernetes' version that the API follows: clients compare it with their own. */
export const versionInfo = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.3+gantry.0.1.0',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
} as const;
