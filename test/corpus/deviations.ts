/** Where knarr's words need not be upstream's: replaced on both sides before they are compared. Each says why. */

export interface Deviation {
  why: string;
  from: RegExp;
  to: string;
}

export const deviations: readonly Deviation[] = [
  {
    why: "The recorded server was a build with a distribution's own certificates in the token volume.",
    from: /,\{"configMap":\{"name":"openshift-service-ca\.crt","items":\[\{"key":"service-ca\.crt","path":"service-ca\.crt"\}\]\}\}/g,
    to: '',
  },
  {
    why: 'Descriptions of table columns are the text of API documentation, which is not kept in this repository; no client shows them.',
    from: /(\{"name":"[^"]*","type":"[a-z]+","format":"[a-z]*","description":)"(?:[^"\\]|\\.)*"/g,
    to: '$1""',
  },
  {
    why: "Where the store keeps an object is the server's own business.",
    from: /(StorageError: invalid object, Code: \d, Key: )\/registry\/[^,]*/g,
    to: '$1…',
  },
  {
    why: 'An empty list that may be left out is read as if it were; upstream still knows the difference where it refuses it.',
    from: /(Invalid value: )\[\](?=: )/g,
    to: '$1null',
  },
  {
    why: 'When a field came to be owned, within the text of a message.',
    from: /(\\"time\\":)\\"[^\\"]*\\"/g,
    to: '$1…',
  },
  {
    why: 'Who gives an empty list comes to own it, and who gives none does not: both are the same to us.',
    from: /,"managedFields":\[\{[^[\]]*"fieldsV1":\{"f:spec":\{"f:limits":\{\}\}\}\}\]/g,
    to: '',
  },
  {
    why: 'A YAML parser has its own words for what is wrong, and a strategic merge of the wrong type ends in a decoder of other words.',
    from: /(error decoding YAML: |of type \w+\): yaml: )(?:[^"\\]|\\.)*|(?:cannot restore (?:slice|struct) from:? string|json: cannot unmarshal string into Go struct field [\w. []* of type [\w.[\]]*)/g,
    to: '$1',
  },
  {
    why: "How a spec differs is shown in the words of Go's internal types; ours is shown as the API has it. Read by people only.",
    from: /(allow it to be set to 1 if it was previously negative\)|spec(?:\.persistentvolumesource)? is immutable after creation[a-zA-Z. ]*|existing ephemeral containers \\"[^"]*\\" may not be changed)\\n(?:[^"\\]|\\.)*/g,
    to: '$1',
  },
  {
    why: "What is no expression at all is described in the words of upstream's parser generator.",
    from: /ERROR: <input>:\d+:\d+: Syntax error: (?:(?!\\n|"[,}\]]|, spec\.|\]").)*(?:\\n \| (?:(?!\\n).)*\\n \| \.*\^)*/g,
    to: 'Syntax error',
  },
  {
    why: "A pod template that may not change is shown in full, in upstream's words for its internal type; ours is shown as the API has it.",
    from: /Invalid value: \{(?:(?!: field is immutable).)*?\\"[cC]ontainers\\":(?:(?!: field is immutable).)*\}: field is immutable/g,
    to: 'Invalid value: {…}: field is immutable',
  },
];
