/** Masks secrets in text just before it is printed, in case the code that produced the text did not. */

const SECRET_VARIABLES = [
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AZURE_STORAGE_KEY',
  'AZURE_STORAGE_SAS_TOKEN',
  'AZURE_STORAGE_CONNECTION_STRING',
  'POLYAXON_AUTH_TOKEN',
  'POLYTRACK_ALERT_WEBHOOK',
];
const MASK = '…';

/** Returns a function that masks the secrets of this environment, credentials in URLs, and signatures. */
export function createRedactor(
  environment: Readonly<Record<string, string | undefined>>,
): (text: string) => string {
  const secrets = SECRET_VARIABLES.map((name) => environment[name] ?? '').filter(
    (secret) => secret.length >= 4,
  );
  return (text) =>
    secrets
      .reduce((masked, secret) => masked.replaceAll(secret, MASK), text)
      .replace(/(\w:\/\/)[^\s/@]+@/g, `$1${MASK}@`)
      .replace(/(X-Amz-(?:Signature|Security-Token|Credential)=)[^\s&"']+/gi, `$1${MASK}`)
      .replace(/((?:[?&]sig|AccountKey|SharedAccessSignature)=)[^\s&;"']+/g, `$1${MASK}`)
      .replace(/(authorization"?:\s*"?)[^"\n]+/gi, `$1${MASK}`);
}
