// Builds a small web image from a static busybox, offline, and pushes it to a registry on loopback:
// node deploy/sample-image.mjs BUSYBOX REGISTRY NAME:TAG, e.g. /…/busybox 127.0.0.1:5000 hello-web:1.0
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const [busybox, registry, image] = process.argv.slice(2);
const [name, tag] = (image ?? '').split(':');
if (!tag) throw new Error('usage: node deploy/sample-image.mjs BUSYBOX REGISTRY NAME:TAG');

const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function rootfs(directory) {
  for (const part of ['bin', 'etc', 'tmp', 'www']) mkdirSync(join(directory, part));
  chmodSync(join(directory, 'tmp'), 0o1777);
  copyFileSync(busybox, join(directory, 'bin/busybox'));
  chmodSync(join(directory, 'bin/busybox'), 0o755);
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n');
  for (const applet of applets) {
    if (applet && applet !== 'busybox') symlinkSync('busybox', join(directory, 'bin', applet));
  }
  writeFileSync(
    join(directory, 'etc/passwd'),
    'root:x:0:0:root:/:/bin/sh\nweb:x:1000:1000:web:/www:/bin/sh\n',
  );
  writeFileSync(join(directory, 'etc/group'), 'root:x:0:\nweb:x:1000:\n');
  writeFileSync(join(directory, 'www/index.html'), '<h1>It works</h1>\n');
}

function layer() {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-sample-'));
  try {
    rootfs(directory);
    const flags = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
    return execFileSync('tar', ['-C', directory, ...flags, '-cf', '-', '.'], {
      maxBuffer: 1 << 28,
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function upload(bytes) {
  const digest = sha256(bytes);
  const base = `http://${registry}/v2/${name}/blobs`;
  if ((await fetch(`${base}/${digest}`, { method: 'HEAD' })).ok) return digest;
  const begun = await fetch(`${base}/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digest);
  const done = await fetch(location, { method: 'PUT', body: bytes });
  if (!done.ok) throw new Error(`push ${digest}: ${registry} answered ${done.status}`);
  return digest;
}

const tar = layer();
const blob = gzipSync(tar);
const config = Buffer.from(
  JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {
      Env: ['PATH=/bin'],
      Cmd: ['httpd', '-f', '-v', '-p', '8080', '-h', '/www'],
      User: 'web',
      WorkingDir: '/www',
      ExposedPorts: { '8080/tcp': {} },
    },
    rootfs: { type: 'layers', diff_ids: [sha256(tar)] },
  }),
);
const oci = 'application/vnd.oci.image';
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: `${oci}.manifest.v1+json`,
  config: { mediaType: `${oci}.config.v1+json`, digest: await upload(config), size: config.length },
  layers: [
    { mediaType: `${oci}.layer.v1.tar+gzip`, digest: await upload(blob), size: blob.length },
  ],
});
const put = await fetch(`http://${registry}/v2/${name}/manifests/${tag}`, {
  method: 'PUT',
  headers: { 'content-type': `${oci}.manifest.v1+json` },
  body: manifest,
});
if (!put.ok)
  throw new Error(`push ${image}: ${registry} answered ${put.status} ${await put.text()}`);
process.stdout.write(`${registry}/${image} ${sha256(manifest)}\n`);
