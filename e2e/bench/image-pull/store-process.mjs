// A resident image store, as the node agent has one: a line `TIMES NAME` on stdin pulls it so many
// times at once, a line `{}` on stdout answers.
// Plain JavaScript, because a Node that strips types holds 30 MB more.
import { createLogger } from '@gantry/base';
import { ImageStore } from '@gantry/image';
import { createInterface } from 'node:readline';

const [dir = '', layersBinary = ''] = process.argv.slice(2);
const logger = createLogger({ level: 'warn', name: 'image-pull' });
const store = new ImageStore({ dir, layersBinary, logger });
await store.open();
process.stdout.write('{}\n');

for await (const line of createInterface({ input: process.stdin })) {
  const [times, name] = line.split(' ');
  await Promise.all(Array.from({ length: Number(times) }, () => store.pull(name)));
  process.stdout.write('{}\n');
}
await store.close();
