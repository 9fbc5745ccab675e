/** What validation of a pod's spec depends on, beside the spec. */
import type { ObjectMeta } from '../../../../../apimachinery/meta.ts';
import type { PodSpec } from '../../types.gen.ts';

export interface PodSpecOptions {
  /** The spec is that of a pod, not of a template. */
  isPod?: boolean;
  /** Of the pod; absent for a template. */
  metadata?: ObjectMeta;
  /** The spec before an update: what it has already may stay. */
  old?: PodSpec;
}

/** Empty counts as absent. */
export const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';
