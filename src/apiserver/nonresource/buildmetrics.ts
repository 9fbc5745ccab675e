/** What this server is, and what of it is switched on. */
import { familyText, labelText, type MetricSource } from '../../apimachinery/metrics.ts';
import { versionInfo } from './version.ts';

export interface Feature {
  name: string;
  /** `ALPHA`, `BETA`, `DEPRECATED`, or empty once it is there for good. */
  stage: string;
  enabled: boolean;
}

export function buildMetrics(version: string | undefined, features: readonly Feature[]): MetricSource {
  const { buildDate, compiler, gitCommit, gitTreeState, gitVersion, goVersion, major, minor, platform } = versionInfo(version);
  const info = {
    build_date: buildDate,
    compiler,
    git_commit: gitCommit,
    git_tree_state: gitTreeState,
    git_version: gitVersion,
    go_version: goVersion,
    major,
    minor,
    platform,
  };
  const build = familyText('kubernetes_build_info', 'gauge', 'What was built, from what, and with what.', [`kubernetes_build_info{${labelText(info)}} 1`]);
  const name = 'kubernetes_feature_enabled';
  const lines = features.map((feature) => `${name}{${labelText({ name: feature.name, stage: feature.stage })}} ${Number(feature.enabled)}`);
  return { text: () => build + familyText(name, 'gauge', 'Features by whether they are on.', lines) };
}
