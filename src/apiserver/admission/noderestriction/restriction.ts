import type { AdmissionAttributes, Authorizer, ObjectReader } from '../../contracts.ts';

export interface RestrictionContext {
  reader: ObjectReader;
  authorize: Authorizer;
}

/** Throws the refusal when the kubelet of that node may not do this. */
export type Restriction = (node: string, attributes: AdmissionAttributes, context: RestrictionContext) => Promise<void> | void;

export const quote = (text: string): string => JSON.stringify(text);
