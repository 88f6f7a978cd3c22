import type { Command } from 'commander';
import { builtinResources } from '../resources/builtin.js';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function isShell(text: string): text is Shell {
  return (shells as readonly string[]).includes(text);
}

const types = builtinResources.map(({ plural }) => plural);
/** Verbs whose next word is a type; the others take a pod, a node or nothing. */
const typed = ['get', 'describe', 'delete', 'scale', 'explain'];
const podVerbs = ['logs', 'exec', 'why'];
const nodeVerbs = ['cordon', 'uncordon', 'drain'];

function wordsOf(command: Command): string[] {
  return command.commands.map((child) => child.name());
}

function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => (long ? [long] : []));
}

function cases(program: Command, indent: string): string {
  return program.commands
    .map((command) => {
      const subs = wordsOf(command).join(' ');
      return `${indent}${command.name()}) subs="${subs}" flags="${flagsOf(command).join(' ')}" ;;`;
    })
    .join('\n');
}

function bash(program: Command): string {
  return `# bash completion for gantry: source <(gantry completion bash)
__gantry_names() {
  gantry get "$1" -o name --request-timeout 2s 2>/dev/null | sed 's|.*/||'
}
_gantry() {
  local current="\${COMP_WORDS[COMP_CWORD]}" verb="" type="" subs="" flags="" word index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in
      -*) ;;
      *) if [ -z "$verb" ]; then verb="$word"; elif [ -z "$type" ]; then type="$word"; fi ;;
    esac
  done
  if [ -z "$verb" ]; then
    COMPREPLY=($(compgen -W "${wordsOf(program).join(' ')}" -- "$current"))
    return
  fi
  case "$verb" in
${cases(program, '    ')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")); return ;;
  esac
  if [ -n "$subs" ] && [ -z "$type" ]; then
    COMPREPLY=($(compgen -W "$subs" -- "$current"))
    return
  fi
  case "$verb" in
    ${typed.join('|')})
      if [ -z "$type" ]; then COMPREPLY=($(compgen -W "${types.join(' ')}" -- "$current"))
      else COMPREPLY=($(compgen -W "$(__gantry_names "$type")" -- "$current")); fi ;;
    ${podVerbs.join('|')}) COMPREPLY=($(compgen -W "$(__gantry_names pods)" -- "$current")) ;;
    ${nodeVerbs.join('|')}) COMPREPLY=($(compgen -W "$(__gantry_names nodes)" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -F _gantry gantry
`;
}

function zsh(program: Command): string {
  return `#compdef gantry
# zsh completion for gantry: source <(gantry completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(program)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}

function fish(program: Command): string {
  const lines = [
    '# fish completion for gantry: gantry completion fish | source',
    'function __gantry_names',
    "  gantry get $argv[1] -o name --request-timeout 2s 2>/dev/null | string replace -r '.*/' ''",
    'end',
    'complete -c gantry -f',
  ];
  for (const command of program.commands) {
    const description = quote(command.description());
    lines.push(
      `complete -c gantry -n __fish_use_subcommand -a ${command.name()} -d ${description}`,
    );
    const within = `'__fish_seen_subcommand_from ${command.name()}'`;
    for (const child of command.commands) {
      lines.push(
        `complete -c gantry -n ${within} -a ${child.name()} -d ${quote(child.description())}`,
      );
    }
    for (const { long, short, description: text } of command.options) {
      if (!long) continue;
      const letter = short ? ` -s ${short.slice(1)}` : '';
      lines.push(`complete -c gantry -n ${within} -l ${long.slice(2)}${letter} -d ${quote(text)}`);
    }
  }
  const seen = (verbs: readonly string[]) => `'__fish_seen_subcommand_from ${verbs.join(' ')}'`;
  lines.push(
    `complete -c gantry -n ${seen(typed)} -a '${types.join(' ')}'`,
    `complete -c gantry -n ${seen(podVerbs)} -a '(__gantry_names pods)'`,
    `complete -c gantry -n ${seen(nodeVerbs)} -a '(__gantry_names nodes)'`,
  );
  return `${lines.join('\n')}\n`;
}

/** A script for the shell, made from the program's own verbs and flags. */
export function completionScript(shell: Shell, program: Command): string {
  switch (shell) {
    case 'bash':
      return bash(program);
    case 'zsh':
      return zsh(program);
    case 'fish':
      return fish(program);
  }
}
