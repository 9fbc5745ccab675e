/** Runs the admission plugins of one phase, in their order. */
import type { AdmissionAttributes, AdmissionPlugin } from '../contracts.ts';
import { admissionSteps } from '../nonresource/requestmetrics.ts';

/** True when some plugin wants to see this request in that phase. */
export function handled(plugins: readonly AdmissionPlugin[], phase: 'admit' | 'validate', attributes: AdmissionAttributes): boolean {
  return plugins.some((plugin) => plugin[phase] && plugin.handles(attributes));
}

export async function runAdmission(plugins: readonly AdmissionPlugin[], phase: 'admit' | 'validate', attributes: AdmissionAttributes): Promise<void> {
  const started = performance.now();
  let rejected = 'true';
  try {
    for (const plugin of plugins) {
      const run = plugin[phase];
      if (!run || !plugin.handles(attributes)) continue;
      const pending = run.call(plugin, attributes);
      if (pending) await pending;
    }
    rejected = 'false';
  } finally {
    admissionSteps.observe((performance.now() - started) / 1000, attributes.operation, rejected, phase);
  }
}
