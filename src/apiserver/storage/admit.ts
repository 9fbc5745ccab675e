/** Runs the admission plugins of one phase, in their order. */
import type { AdmissionAttributes, AdmissionPlugin } from '../contracts.ts';
import { admissionSteps } from '../nonresource/requestmetrics.ts';

type Phase = 'admit' | 'validate';

/** Plugins are added, also while the server runs, and never taken away: as many as there were are the same as before. */
interface Known {
  count: number;
  found: AdmissionPlugin[];
}

const byPhase = { admit: new WeakMap<readonly AdmissionPlugin[], Known>(), validate: new WeakMap<readonly AdmissionPlugin[], Known>() };

/** Of the plugins, those that have something to do in that phase. */
function pluginsOf(plugins: readonly AdmissionPlugin[], phase: Phase): readonly AdmissionPlugin[] {
  let known = byPhase[phase].get(plugins);
  if (known?.count !== plugins.length) byPhase[phase].set(plugins, (known = { count: plugins.length, found: plugins.filter((plugin) => plugin[phase]) }));
  return known.found;
}

/** True when some plugin wants to see this request in that phase: worth asking only before it costs something to show it. */
export function handled(plugins: readonly AdmissionPlugin[], phase: Phase, attributes: AdmissionAttributes): boolean {
  return pluginsOf(plugins, phase).some((plugin) => plugin.handles(attributes));
}

/** True when some plugin hands the object of this request to somebody else. */
export const shown = (plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes): boolean =>
  plugins.some((plugin) => plugin.showsObjects && plugin.handles(attributes));

/** Gives whether any plugin saw the request. */
export async function runAdmission(plugins: readonly AdmissionPlugin[], phase: Phase, attributes: AdmissionAttributes): Promise<boolean> {
  let started: number | undefined;
  let rejected = 'true';
  try {
    for (const plugin of pluginsOf(plugins, phase)) {
      if (!plugin.handles(attributes)) continue;
      started ??= performance.now();
      const pending = plugin[phase]!(attributes);
      if (pending) await pending;
    }
    rejected = 'false';
  } finally {
    if (started !== undefined) admissionSteps.observe((performance.now() - started) / 1000, attributes.operation, rejected, phase);
  }
  return started !== undefined;
}
