/** The parts of an upstream OpenAPI v2 document that the generator reads. */
export interface Property {
  $ref?: string;
  type?: string;
  format?: string;
  enum?: string[];
  items?: Property;
  additionalProperties?: Property;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
}

export interface Definition {
  type?: string;
  format?: string;
  required?: string[];
  properties?: Record<string, Property>;
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-unions'?: unknown;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

export interface OpenApiDocument {
  definitions: Record<string, Definition>;
}
