/** What the fields of a configuration must be to each other; the words are upstream's. */
import { formatDuration } from '../../apimachinery/duration.ts';
import { thresholdsOf } from '../eviction/thresholds.ts';
import type { KubeletConfiguration } from './fields.ts';
import { reservationProblems } from './reservations.ts';

const second = 1000;

/** Everything that is wrong; empty when nothing is. */
export function problemsOf(config: KubeletConfiguration): string[] {
  const found: string[] = [];
  const unless = (holds: boolean, problem: string): void => {
    if (!holds) found.push(`invalid configuration: ${problem}`);
  };
  const percent = (value: number): boolean => value >= 0 && value <= 100;
  const { imageGCHighThresholdPercent: high, imageGCLowThresholdPercent: low, imageMinimumGCAge: youngest, imageMaximumGCAge: oldest } = config;
  unless(percent(high), `imageGCHighThresholdPercent (--image-gc-high-threshold) ${high} must be between 0 and 100, inclusive`);
  unless(percent(low), `imageGCLowThresholdPercent (--image-gc-low-threshold) ${low} must be between 0 and 100, inclusive`);
  unless(
    low < high,
    `imageGCLowThresholdPercent (--image-gc-low-threshold) ${low} must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) ${high}`,
  );
  unless(youngest >= 0, `imageMinimumGCAge ${formatDuration(youngest)} must not be negative`);
  unless(oldest >= 0, `imageMaximumGCAge ${formatDuration(oldest)} must not be negative`);
  unless(oldest <= 0 || oldest > youngest, `imageMaximumGCAge ${formatDuration(oldest)} must be greater than imageMinimumGCAge ${formatDuration(youngest)}`);
  unless(config.maxPods >= 0, `maxPods (--max-pods) ${config.maxPods} must not be a negative number`);
  unless(config.podsPerCore >= 0, `podsPerCore (--pods-per-core) ${config.podsPerCore} must not be a negative number`);
  unless(config.registryPullQPS >= 0, `registryPullQPS (--registry-qps) ${config.registryPullQPS} must not be a negative number`);
  unless(config.registryBurst >= 0, `registryBurst (--registry-burst) ${config.registryBurst} must not be a negative number`);
  unless(config.nodeStatusMaxImages >= -1, `nodeStatusMaxImages (--node-status-max-images) ${config.nodeStatusMaxImages} must be -1 or greater`);
  unless(config.nodeLeaseDurationSeconds > 0, 'nodeLeaseDurationSeconds must be greater than 0');
  unless(config.maxParallelImagePulls > 0, `maxParallelImagePulls ${config.maxParallelImagePulls} must be a positive number`);
  unless(
    !config.serializeImagePulls || config.maxParallelImagePulls === 1,
    'maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls (--serialize-image-pulls) is set to false',
  );
  unless(config.containerLogMaxFiles > 1, 'containerLogMaxFiles must be greater than 1');
  unless(config.containerLogMonitorInterval >= 3 * second, 'containerLogMonitorInterval must be a positive time duration greater than or equal to 3s');
  unless(
    config.preloadedImagesVerificationAllowlist.length === 0 || config.imagePullCredentialsVerificationPolicy === 'NeverVerifyAllowlistedImages',
    'can\'t set `preloadedImagesVerificationAllowlist` if `imagePullCredentialsVertificationPolicy` is not "NeverVerifyAllowlistedImages"',
  );
  const { shutdownGracePeriod: grace, shutdownGracePeriodCriticalPods: critical } = config;
  unless(critical <= grace, `shutdownGracePeriodCriticalPods {${formatDuration(critical)}} must be <= shutdownGracePeriod {${formatDuration(grace)}}`);
  unless(grace === 0 || grace >= second, `shutdownGracePeriod {${formatDuration(grace)}} must be either zero or otherwise >= 1 sec`);
  unless(critical === 0 || critical >= second, `shutdownGracePeriodCriticalPods {${formatDuration(critical)}} must be either zero or otherwise >= 1 sec`);
  unless(
    config.shutdownGracePeriodByPodPriority.length === 0 || (grace === 0 && critical === 0),
    'Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time',
  );
  for (const problem of reservationProblems(config)) unless(false, problem);
  try {
    thresholdsOf(config);
  } catch (error) {
    found.push(`invalid configuration: ${(error as Error).message}`);
  }
  return found;
}
