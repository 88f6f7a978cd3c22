import type { Container } from '@gantry/api';
import type { ImageConfig } from '@gantry/image';
import { ContainerConfigError } from './config-error.js';
import { expand } from './expand.js';

/**
 * What the first process executes: command replaces the image's entry point and its CMD, args replace
 * its CMD alone; $(NAME) is expanded in both.
 */
export function commandLine(
  container: Container,
  image: ImageConfig,
  env: ReadonlyMap<string, string>,
): string[] {
  const command = container.command?.map((part) => expand(part, env)) ?? [];
  const args = container.args?.map((part) => expand(part, env)) ?? [];
  const entrypoint = command.length > 0 ? command : [...(image.Entrypoint ?? [])];
  const imageArgs = command.length > 0 ? [] : [...(image.Cmd ?? [])];
  const line = [...entrypoint, ...(args.length > 0 ? args : imageArgs)];
  if (line.length === 0) {
    throw new ContainerConfigError(
      'no command specified: neither the container nor its image has one',
    );
  }
  return line;
}
