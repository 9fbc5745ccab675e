/** CEL selectors of devices: `device.attributes["gpu.example.com"].model == "a100"` (KEP-4381). */

import type { Device, DeviceAttribute, DeviceSelector } from '../../api/resource/v1/types.gen.ts';
import { type CelEnvironment, createCelEnvironment } from '../../apimachinery/cel/environment.ts';
import { CelQuantity } from '../../apimachinery/cel/library/quantities.ts';
import { parseSemver } from '../../apimachinery/cel/library/versions.ts';
import { type CelProgram, compileCel } from '../../apimachinery/cel/program.ts';
import { parseQuantity } from '../../apimachinery/quantity.ts';

let environment: CelEnvironment | undefined;
const programs = new Map<string, CelProgram>();

function compile(expression: string): CelProgram {
  let program = programs.get(expression);
  if (!program) {
    environment ??= createCelEnvironment({ device: 'dyn' });
    program = compileCel(environment, expression, ['bool']);
    if (programs.size >= 1024) programs.clear();
    programs.set(expression, program);
  }
  return program;
}

/** The value as CEL sees it. */
function attributeValue({ bool, int, string, version, bools, ints, strings, versions }: DeviceAttribute): unknown {
  if (bool !== undefined) return bool;
  if (int !== undefined) return BigInt(int);
  if (string !== undefined) return string;
  if (version !== undefined) return parseSemver(version);
  return bools ?? ints?.map(BigInt) ?? strings ?? versions?.map((one) => parseSemver(one));
}

type Domains = Record<string, Record<string, unknown>>;

/** `domain/name` → domain, name; a name without domain is the driver's own. */
function byDomain(entries: Record<string, unknown>, driver: string, domains: readonly string[]): Domains {
  // What is asked of a domain that a device says nothing about is asked of an empty map.
  const result: Domains = Object.fromEntries(domains.map((domain) => [domain, {}]));
  for (const [qualified, value] of Object.entries(entries)) {
    const slash = qualified.indexOf('/');
    const domain = slash < 0 ? driver : qualified.slice(0, slash);
    result[domain] = { ...result[domain], [qualified.slice(slash + 1)]: value };
  }
  return result;
}

const mapValues = <T>(map: Record<string, T> | undefined, change: (value: T) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, change(value)]));

/** Whether all selectors hold for the device. Throws when one can't be compiled or evaluated. */
export function deviceMatches(selectors: readonly DeviceSelector[] | undefined, device: Device, driver: string): boolean {
  return (selectors ?? []).every(({ cel }) => {
    if (!cel) return true;
    const domains = [...cel.expression.matchAll(/\[\s*["']([^"']+)["']\s*\]/g)].map((match) => match[1]!);
    return (
      compile(cel.expression).evaluate({
        device: {
          driver,
          allowMultipleAllocations: device.allowMultipleAllocations ?? false,
          attributes: byDomain(mapValues(device.attributes, attributeValue), driver, domains),
          capacity: byDomain(
            mapValues(device.capacity, ({ value }) => new CelQuantity(parseQuantity(value))),
            driver,
            domains,
          ),
        },
      }) === true
    );
  });
}
