/** Flags of the API server on the command line. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type ApiServerFlag, type ApiServerFlags, apiServerFlagNames, apiServerFlags } from '../cluster/controlplane/apiserverflags.ts';

/** @param hidden leaves them out of the command's help */
export function withApiServerFlags(command: Command, hidden = false): Command {
  for (const name of apiServerFlagNames) {
    const { value, text } = apiServerFlags[name];
    const option = new Option(`--${name} ${value}`, text).argParser((one: string, before: string[] | undefined) => [...(before ?? []), one]);
    command.addOption(hidden ? option.hideHelp() : option.helpGroup("Flags of the API server, with upstream's names and meaning:"));
  }
  return command;
}

const certificates = 'tls-sni-cert-key';

/** `cert,key:names` with full paths. */
function absolute(value: string): string {
  const [files = '', ...names] = value.split(':');
  const paths = files.split(',').map((file) => (file.trim() === '' ? '' : resolve(file.trim())));
  return [paths.join(','), ...names].join(':');
}

const attributeOf = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** What was given, files as absolute paths: it is read again by processes that run elsewhere. */
export function apiServerFlagsOf(options: object): ApiServerFlags {
  const flags: ApiServerFlags = {};
  for (const name of apiServerFlagNames) {
    const given = (options as Record<string, unknown>)[attributeOf(name)];
    if (given === undefined) continue;
    // A switch without a value is on.
    const values = given === true ? ['true'] : (given as string[]);
    flags[name] = isFile(name) ? values.map((one) => (one === '-' || one === '' ? one : resolve(one))) : name === certificates ? values.map(absolute) : values;
  }
  return flags;
}

/** What was given goes before what was kept; an empty value takes a flag back. */
export const mergeFlags = (kept: ApiServerFlags | undefined, given: ApiServerFlags): ApiServerFlags =>
  Object.fromEntries(Object.entries({ ...kept, ...given }).filter(([, values]) => values.some((value) => value !== '')));

const isFile = (name: ApiServerFlag): boolean => name === 'audit-log-path' || apiServerFlags[name].type === 'file' || apiServerFlags[name].type === 'files';
