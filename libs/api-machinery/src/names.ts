import type { Rule } from './schema/constraints.js';

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedPart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const configKey = /^[-._a-zA-Z0-9]+$/;
// Go prints these texts; people search for them word for word.
const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const qualifiedText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

const tooMany = (max: number) => `must be no more than ${max} characters`;

/** RFC 1123 label, at most 63 characters: names of namespaces, containers, volumes. */
export const dnsLabelRule: Rule = (value) => {
  if (value.length > 63) return tooMany(63);
  return dnsLabel.test(value)
    ? undefined
    : `${labelText} (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`;
};

/** RFC 1123 subdomain, at most 253 characters: names of most objects. */
export const dnsSubdomainRule: Rule = (value) => {
  if (value.length > 253) return tooMany(253);
  return dnsSubdomain.test(value)
    ? undefined
    : `${subdomainText} (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`;
};

/** [PREFIX/]NAME: keys of labels and annotations, names of extended resources. */
export const qualifiedNameRule: Rule = (value) => {
  const parts = value.split('/');
  if (parts.length > 2) {
    return "a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS subdomain prefix and '/'";
  }
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    if (parts[0] === '') return 'prefix part must be non-empty';
    const fault = dnsSubdomainRule(parts[0] as string);
    if (fault) return `prefix part ${fault}`;
  }
  if (name === '') return 'name part must be non-empty';
  if (name.length > 63) return `name part ${tooMany(63)}`;
  return qualifiedPart.test(name) ? undefined : qualifiedText;
};

/** Value of a label: empty, or at most 63 characters of a narrow set. */
export const labelValueRule: Rule = (value) => {
  if (value.length > 63) return tooMany(63);
  return value === '' || qualifiedPart.test(value)
    ? undefined
    : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
};

/** Key of a ConfigMap or Secret: becomes a file name, so neither `.` nor `..` nor a path. */
export const configKeyRule: Rule = (value) => {
  if (value.length > 253) return tooMany(253);
  if (value === '.' || value.startsWith('..')) return "must not be '.' or start with '..'";
  return configKey.test(value)
    ? undefined
    : "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
};

/** Name of an environment variable: any printable ASCII but `=`. */
export const envVarNameRule: Rule = (value) =>
  /^[ -<>-~]+$/.test(value)
    ? undefined
    : "a valid environment variable name must consist only of printable ASCII characters other than '='";

/** Name of a port: at most 15 of [a-z0-9-], with a letter, no hyphen at the ends or doubled. */
export const portNameRule: Rule = (value) => {
  if (value.length > 15) return tooMany(15);
  if (!/^[a-z0-9-]+$/.test(value))
    return 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)';
  if (!/[a-z]/.test(value)) return 'must contain at least one letter (a-z)';
  if (value.includes('--')) return 'must not contain consecutive hyphens';
  return /^-|-$/.test(value) ? 'must not begin or end with a hyphen' : undefined;
};

/** Port of TCP or UDP. */
export function portFault(port: number): string | undefined {
  return port >= 1 && port <= 65535 ? undefined : 'must be between 1 and 65535, inclusive';
}
