import { must } from '../cluster/process.ts';

const script = `
set -eu
cd "$1"
find . -mindepth 1 -print0 | LC_ALL=C sort -z |
  tar --no-recursion --numeric-owner --xattrs --xattrs-include='*' --format=posix \\
    --pax-option=delete=atime,delete=ctime,exthdr.name=x -cf "$2" --null -T -
`;

// By short links, because mount(8) takes a page of options at most.
const overlay = `
set -eu
archive=$1 scratch=$2
shift 2
mount -t tmpfs tmpfs "$scratch"
cd "$scratch"
mkdir upper work merged
lowers=
for layer; do
  number=$((\${number:-0} + 1))
  ln -s "$layer" "$number"
  lowers="$lowers\${lowers:+:}$number"
done
mount -t overlay overlay -o "lowerdir=$lowers,upperdir=upper,workdir=work" merged
set -- "$scratch/merged" "$archive"
${script}
`;

/**
 * Everything below the directory as one archive: contents, modes, owners, times, links and attributes. `execute` runs
 * programs where the directory is to be seen.
 */
export async function archiveTree(
  directory: string,
  archive: string,
  execute: (argv: readonly string[]) => Promise<unknown> = must,
): Promise<void> {
  await execute(['sh', '-c', script, 'sh', directory, archive]);
}

/** The same of layers under one overlay, which is mounted in a namespace of its own. */
export async function archiveLayers(
  layerDirs: readonly string[],
  scratch: string,
  archive: string,
): Promise<void> {
  const argv = ['unshare', '-m', '--propagation', 'private', 'sh', '-c', overlay, 'sh'];
  await must([...argv, archive, scratch, ...layerDirs]);
}

/** What `tar` lists, for a difference that people can read. */
export async function listArchive(archive: string): Promise<string[]> {
  const flags = ['--xattrs', '--full-time', '--numeric-owner', '-tvvf'];
  return (await must(['tar', ...flags, archive])).split('\n');
}
