import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolsDirectory, type TarEntry } from '@gantry/testing';

const directories = ['bin', 'dev', 'etc', 'home', 'home/web', 'proc', 'root', 'sys', 'tmp', 'www'];
const applets =
  'cat chown dd df echo env false grep httpd id kill ls mkdir nc printf readlink rm sh sleep stat touch tr true wc wget yes';

const files: TarEntry[] = [
  {
    name: 'etc/passwd',
    content: 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/home/web:/bin/sh\n',
  },
  { name: 'etc/group', content: 'root:x:0:\nweb:x:1000:\nextra:x:2000:web\n' },
  { name: 'www/index.html', content: 'hello from a pod\n' },
];

/** A small root filesystem of a static busybox with two users and a page to serve. */
export async function busyboxLayer(): Promise<TarEntry[]> {
  const content = readFileSync(join(await toolsDirectory(), 'busybox'));
  return [
    ...directories.map((name): TarEntry => {
      return { name, type: 'directory', mode: name === 'tmp' ? 0o1777 : 0o755 };
    }),
    { name: 'bin/busybox', content, mode: 0o755 },
    ...applets.split(' ').map((name): TarEntry => {
      return { name: `bin/${name}`, type: 'symlink', link: 'busybox' };
    }),
    ...files,
  ];
}
