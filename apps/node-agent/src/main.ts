import { createLogger, describeError, shutdownSignal } from '@gantry/base';
import { Agent } from './agent.js';
import { teardown } from './teardown.js';
import { ConfigError, parseConfig, usage, type AgentConfig } from './config.js';

function readConfig(argv: readonly string[], command: 'serve' | 'teardown'): AgentConfig {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    return parseConfig(argv, command);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`gantry-agent: ${error.message}\n`);
    process.exit(2);
  }
}

// grpc-js names servers by their address in TLS, which Node deprecates; nobody here can act on that.
process.noDeprecation = true;

const [first, ...rest] = process.argv.slice(2);
const command = first === 'teardown' ? 'teardown' : 'serve';
const config = readConfig(command === 'teardown' ? rest : process.argv.slice(2), command);
const logger = createLogger({ level: config.logLevel, name: 'gantry-agent' });
const signal = shutdownSignal(logger);
try {
  if (command === 'teardown') await teardown(config, logger);
  else await Agent.run(config, logger, signal);
  process.exit(0);
} catch (error) {
  if (signal.aborted) process.exit(0);
  logger.error({ err: describeError(error) }, 'agent failed');
  process.exit(1);
}
