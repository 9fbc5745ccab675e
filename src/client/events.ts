/** The contract of an event recorder: `Normal` and `Warning` events about objects, correlated and rate-limited as client-go does. */
import type { KubeObject } from '../apimachinery/meta.ts';

export interface EventTarget {
  apiVersion?: string;
  kind?: string;
  metadata?: KubeObject['metadata'];
  /** e.g. `spec.containers{web}` */
  fieldPath?: string;
}

export interface EventRecorder {
  /** Never throws and never blocks: a lost event is logged, not retried forever. */
  event(about: EventTarget, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Sends what is pending. */
  flush(): Promise<void>;
}
