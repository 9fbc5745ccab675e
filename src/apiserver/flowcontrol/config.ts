/** The configuration of flow control, freed of the form in which it is stored. */
import type { PolicyRulesWithSubjects, QueuingConfiguration } from '../../api/flowcontrol/v1/types.gen.ts';

export interface LevelConfig {
  name: string;
  uid: string;
  /** Requests of this level never wait. */
  exempt: boolean;
  shares: number;
  lendablePercent: number;
  /** Absent sets no limit. */
  borrowingLimitPercent?: number;
  /** Absent: what finds no seat is turned away. */
  queuing?: Required<QueuingConfiguration>;
}

export interface SchemaConfig {
  name: string;
  uid: string;
  level: string;
  /** What tells the flows of a schema apart. */
  distinguisher: '' | 'ByUser' | 'ByNamespace';
  rules: readonly PolicyRulesWithSubjects[];
}

export interface FlowConfiguration {
  levels: readonly LevelConfig[];
  /** In the order in which they are tried. */
  schemas: readonly SchemaConfig[];
  /** The schema of requests that match none. */
  fallback: string;
}
