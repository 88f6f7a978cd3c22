import { Option, type Command } from 'commander';
import { runs, type Action, type Environment } from '../command-line.js';
import * as actions from '../images/actions.js';
import * as archives from '../images/archives.js';
import * as documents from '../images/documents.js';
import { listImages } from '../images/listing.js';
import { targetsOf } from '../images/targets.js';

const collect = (value: string, before: string[] = []) => [...before, value];

const nodeFlag = () =>
  new Option(
    '--node <name>',
    'only on this node (may be repeated; default: all ready nodes)',
  ).argParser(collect);
const outputFlag = () => new Option('-o, --output <format>', 'yaml or json');
const fileFlag = () => new Option('-f, --file <file>', 'where to write it (default: stdout)');
const pinFlag = () => new Option('--pin', 'never collect it as garbage');
const authFlags = () => [
  new Option('--auth-file <file>', 'credentials for the registry: a Docker config.json'),
  new Option('--secret <name>', 'credentials for the registry: an image pull secret'),
];

interface Verb {
  readonly name: string;
  readonly description: string;
  readonly words: readonly (readonly [name: string, description: string])[];
  readonly flags: readonly Option[];
  readonly action: Action;
}

const image = ['<image>', 'name, digest or image ID'] as const;
const images = ['<image...>', 'names, digests or image IDs'] as const;

const changing: Verb[] = [
  {
    name: 'pull',
    description: 'bring images onto nodes ahead of the pods that need them',
    words: [images],
    flags: [
      nodeFlag(),
      new Option('--always', 'ask the registry also when the image is there'),
      pinFlag(),
      ...authFlags(),
      outputFlag(),
    ],
    action: actions.pull,
  },
  {
    name: 'push',
    description: 'send an image to its registry, from a node that has it',
    words: [image, ['[target]', 'the name there, when it is not the same']],
    flags: [nodeFlag(), ...authFlags(), outputFlag()],
    action: actions.push,
  },
  {
    name: 'tag',
    description: 'give an image a further name, wherever it is',
    words: [image, ['<name>', 'the further name']],
    flags: [nodeFlag(), outputFlag()],
    action: actions.tag,
  },
  {
    name: 'pin',
    description: 'keep images from ever being collected',
    words: [images],
    flags: [nodeFlag(), outputFlag()],
    action: actions.pin,
  },
  {
    name: 'unpin',
    description: 'let images be collected again',
    words: [images],
    flags: [nodeFlag(), outputFlag()],
    action: actions.unpin,
  },
  {
    name: 'rm',
    description: 'remove images, wherever they are; those that pods use stay',
    words: [images],
    flags: [nodeFlag(), outputFlag()],
    action: actions.remove,
  },
  {
    name: 'prune',
    description: 'remove all images that no pod uses and that are not pinned',
    words: [],
    flags: [
      nodeFlag(),
      new Option('--unused-for <duration>', 'only those that were not used for so long, e.g. 24h'),
      outputFlag(),
    ],
    action: actions.prune,
  },
];

const showing: Verb[] = [
  {
    name: 'inspect',
    description: 'show the manifest and configuration of images',
    words: [images],
    flags: [nodeFlag(), outputFlag()],
    action: documents.inspect,
  },
  {
    name: 'history',
    description: 'show how an image was made',
    words: [image],
    flags: [nodeFlag(), outputFlag()],
    action: documents.history,
  },
];

const moving: Verb[] = [
  {
    name: 'save',
    description: 'write images to one archive (OCI layout and docker-archive at once)',
    words: [images],
    flags: [nodeFlag(), fileFlag()],
    action: archives.save,
  },
  {
    name: 'load',
    description: 'bring the images of an archive onto the nodes, without any registry',
    words: [['<file>', 'OCI layout or docker-archive; - is stdin']],
    flags: [
      nodeFlag(),
      new Option('--name <image>', 'the name, for an archive that says none'),
      pinFlag(),
      outputFlag(),
    ],
    action: archives.load,
  },
  {
    name: 'import',
    description: 'make an image of a root filesystem (tar, also with gzip or zstd)',
    words: [
      ['<file>', 'the archive; - is stdin'],
      ['<name>', 'the name of the image'],
    ],
    flags: [
      nodeFlag(),
      new Option('--entrypoint <words>', 'what a container starts'),
      new Option('--cmd <words>', 'its arguments'),
      new Option('-e, --env <name=value>', 'a variable (may be repeated)').argParser(collect),
      new Option('--workdir <dir>', 'where it starts'),
      new Option('--user <user>', 'whom it runs as'),
      pinFlag(),
      outputFlag(),
    ],
    action: archives.importArchive,
  },
  {
    name: 'export',
    description: 'write the root filesystem of an image or a running container as one tar',
    words: [['<what>', 'an image, or pod/NAME']],
    flags: [
      nodeFlag(),
      new Option('-c, --container <name>', 'which container of the pod'),
      fileFlag(),
    ],
    action: archives.exportArchive,
  },
];

function registerList(parent: Command, environment: Environment): void {
  const command = parent
    .command('ls')
    .alias('list')
    .description('show the images of the nodes')
    .argument('[word...]', 'only those with such a part in their name or digest')
    .addOption(nodeFlag())
    .option('-o, --output <format>', 'wide, yaml, json or name')
    .option('--no-headers', 'no line with the names of the columns');
  runs(environment, command, async (session, words, flags) => {
    const named = flags['node'] ? (await targetsOf(session, flags)).nodes : undefined;
    await listImages(session, words, flags, named);
  });
}

export function registerImage(program: Command, environment: Environment): void {
  const parent = program.command('image').description('images on the nodes of the cluster');
  registerList(parent, environment);
  for (const verb of [...changing, ...showing, ...moving]) {
    const command = parent.command(verb.name).description(verb.description);
    for (const [name, description] of verb.words) command.argument(name, description);
    for (const flag of verb.flags) command.addOption(flag);
    runs(environment, command, verb.action);
  }
}
