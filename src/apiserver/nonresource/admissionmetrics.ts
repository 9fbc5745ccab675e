/** How long admission plugins take, and what they refuse. */

import { Distribution, familyText, labelText } from '../../apimachinery/metrics.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../contracts.ts';

const name = 'apiserver_admission_controller_admission_duration_seconds';
const buckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5];

export interface AdmissionMetrics {
  /** The plugin, watched. */
  timed(plugin: AdmissionPlugin): AdmissionPlugin;
  text(): string;
}

type Phase = 'admit' | 'validate';

export function createAdmissionMetrics(): AdmissionMetrics {
  const durations = new Map<string, Distribution>();

  function observe(plugin: string, phase: Phase, operation: string, rejected: boolean, seconds: number): void {
    const labels = labelText({ name: plugin, operation, rejected: String(rejected), type: phase });
    let found = durations.get(labels);
    if (!found) durations.set(labels, (found = new Distribution(buckets)));
    found.observe(seconds);
  }

  function timed(plugin: AdmissionPlugin, phase: Phase): ((attributes: AdmissionAttributes) => Promise<void> | void) | undefined {
    const run = plugin[phase]?.bind(plugin);
    if (!run) return undefined;
    /** Of each operation, so that what is let through at once, as most is, costs one look-up. */
    const passed = new Map<string, Distribution>();
    const passedAt = (operation: string): Distribution => {
      let found = passed.get(operation);
      if (!found) {
        const labels = labelText({ name: plugin.name, operation, rejected: 'false', type: phase });
        found = durations.get(labels) ?? new Distribution(buckets);
        durations.set(labels, found);
        passed.set(operation, found);
      }
      return found;
    };
    return (attributes) => {
      const { operation } = attributes;
      let pending: Promise<void> | void;
      try {
        pending = run(attributes);
      } catch (error) {
        observe(plugin.name, phase, operation, true, 0);
        throw error;
      }
      if (!pending) {
        // Microseconds, less than looking at the clock is worth.
        passedAt(operation).observe(0);
        return undefined;
      }
      const started = performance.now();
      const seconds = (): number => (performance.now() - started) / 1000;
      return pending.then(
        () => passedAt(operation).observe(seconds()),
        (error: unknown) => {
          observe(plugin.name, phase, operation, true, seconds());
          throw error;
        },
      );
    };
  }

  return {
    timed(plugin) {
      const [admit, validate] = [timed(plugin, 'admit'), timed(plugin, 'validate')];
      const { name, showsObjects } = plugin;
      const handles = plugin.handles.bind(plugin);
      return { name, handles, ...(showsObjects ? { showsObjects } : {}), ...(admit ? { admit } : {}), ...(validate ? { validate } : {}) };
    },
    text: () =>
      familyText(
        name,
        'histogram',
        'Time that an admission plugin took, by name, operation, phase, and whether it refused.',
        [...durations].flatMap(([labels, distribution]) => distribution.samples(name, labels)),
      ),
  };
}
