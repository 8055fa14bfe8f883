import { z } from "zod";

/** A form that text must have. */
export interface TextForm {
  readonly pattern: RegExp;
  /** Longest permitted, in characters. */
  readonly max: number;
  readonly message: string;
  readonly remedy: string;
  /** Whether the API server says so in these words too; else it shows the pattern, which costs it nothing. */
  readonly celTwin?: true;
}

/** Name within a namespace or a cluster: an RFC 1123 subdomain. */
const objectName: TextForm = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  max: 253,
  message: "not a Kubernetes object name",
  remedy: "use lower-case letters, digits, `-` and `.`, with a letter or digit at both ends",
};

/** Name of a namespace: an RFC 1123 label. */
const namespaceName: TextForm = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  max: 63,
  message: "not a namespace name",
  remedy: "use lower-case letters, digits and `-`, with a letter or digit at both ends",
};

/** Description of a group, a rule or an entry (S-17). */
const description: TextForm = {
  pattern: /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]*$/,
  max: 255,
  message: "has a character that EC2 does not permit in descriptions",
  remedy: "use letters, digits, space and ._-:/()#,@[]+=&;{}!$*",
  celTwin: true,
};

/** Key of a label: an optional DNS prefix with `/`, and a name of at most 63 characters. */
const labelKey: TextForm = {
  pattern:
    /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
  max: 317,
  message: "not a label key",
  remedy: "write `name` or `prefix.example/name`, the name of at most 63 letters, digits, `-`, `_` and `.`",
};

/** Key of an annotation: as that of a label, but the API server does not mind capitals in the prefix. */
const annotationKey: TextForm = {
  ...labelKey,
  pattern:
    /^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
  message: "not an annotation key",
};

/** Value of a label; may be empty. */
const labelValue: TextForm = {
  pattern: /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
  max: 63,
  message: "not a label value",
  remedy: "use at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
};

/** All forms, so that an error can be explained from the pattern that failed. */
export const textForms = { objectName, namespaceName, description, labelKey, annotationKey, labelValue } as const;

/** Text of one form, with its documentation. */
export function text(form: TextForm, documentation: string) {
  return z.string().max(form.max).regex(form.pattern).meta({ description: documentation });
}
