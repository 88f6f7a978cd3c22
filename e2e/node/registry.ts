// Starts a real registry on loopback with one image and says where: for running inside a test's own
// network namespace. Ends with its stdin.
import { buildImage, pushImage, startRegistry } from '@gantry/testing';
import { busyboxLayer } from './busybox-layer.ts';

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
