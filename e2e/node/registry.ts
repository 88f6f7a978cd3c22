// Starts a real registry on loopback with one image and says where: for running inside a test's own
// network namespace. Ends with its stdin.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildImage,
  pushImage,
  startRegistry,
  toolsDirectory,
  type TarEntry,
} from '@gantry/testing';

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

async function busyboxLayer(): Promise<TarEntry[]> {
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

const registry = await startRegistry();
const config = {
  Env: ['PATH=/bin', 'FROM_IMAGE=yes'],
  Cmd: ['httpd', '-f', '-p', '8080', '-h', '/www'],
};
const image = buildImage({ layers: [{ entries: await busyboxLayer() }], config });
const reference = `${registry.host}/busybox:1`;
await pushImage(reference, image);
process.stdout.write(`${reference}\n`);
process.stdin.resume().on('end', () => {
  void registry.stop().then(() => process.exit(0));
});
