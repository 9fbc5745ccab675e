/** A scheduler's configuration file: what is kept of it, and what it says. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parseSchedulerConfiguration, SchedulerConfigurationError } from '../../scheduler/config/load.ts';
import type { SchedulerConfiguration } from '../../scheduler/config/types.ts';
import { UserError } from '../config.ts';

export interface SchedulerFile {
  text: string;
  /** Where it stood: what its module paths start from. */
  directory: string;
}

/** Reads and checks the file. Throws a `UserError` that says what is wrong with it. */
export function readSchedulerFile(path: string): SchedulerFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`--scheduler-config: ${(error as Error).message}`, 2);
  }
  const file = { text, directory: dirname(resolve(path)) };
  try {
    schedulerConfiguration(file);
  } catch (error) {
    if (error instanceof SchedulerConfigurationError) throw new UserError(`--scheduler-config ${path}: ${error.message}`, 2);
    throw error;
  }
  return file;
}

/** Throws a `SchedulerConfigurationError`. */
export const schedulerConfiguration = ({ text, directory }: SchedulerFile): SchedulerConfiguration =>
  parseSchedulerConfiguration(text, (reference) => {
    if (reference.startsWith('.') || isAbsolute(reference)) return resolve(directory, reference);
    try {
      return createRequire(join(directory, 'configuration.js')).resolve(reference);
    } catch (error) {
      throw new SchedulerConfigurationError(`module ${JSON.stringify(reference)} of a plugin was not found from ${directory}`, { cause: error });
    }
  });
