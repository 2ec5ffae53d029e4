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
/** Shorter values would mask ordinary text. */
const MIN_LENGTH = 4;

/** Returns a function that masks the secrets of this environment, credentials in URLs, and what signs a request, which a server may repeat in its answer. */
export function createRedactor(
  environment: Readonly<Record<string, string | undefined>>,
): (text: string) => string {
  const secrets = SECRET_VARIABLES.map((name) => environment[name] ?? '').filter(
    (secret) => secret.length >= MIN_LENGTH,
  );
  return (text) =>
    withoutUserInfo(secrets.reduce((masked, secret) => withoutSecret(masked, secret), text))
      .replace(/(X-Amz-(?:Signature|Security-Token|Credential)=)[^\s&"']+/gi, `$1${MASK}`)
      .replace(/(\bSignature=)[^\s&,;"']+/g, `$1${MASK}`)
      .replace(/(\bSharedKey [\w-]+:)[^\s"']+/g, `$1${MASK}`)
      .replace(/((?:access|refresh|id|subject)_token(?:=|":\s*"))[^\s&"']+/g, `$1${MASK}`)
      .replace(/((?:[?&]sig|AccountKey|SharedAccessSignature)=)[^\s&;"']+/g, `$1${MASK}`)
      .replace(/(authorization"?:\s*"?)[^"\n]+/gi, `$1${MASK}`);
}

/** Masks a secret, and its beginning where a long message was cut. */
function withoutSecret(text: string, secret: string): string {
  const masked = text.replaceAll(secret, MASK);
  return masked
    .split(MASK)
    .map((piece, index, pieces) => {
      if (index === pieces.length - 1) return piece;
      for (let length = secret.length - 1; length >= MIN_LENGTH; length -= 1)
        if (piece.endsWith(secret.slice(0, length))) return piece.slice(0, -length);
      return piece;
    })
    .join(MASK);
}

/** Masks the credentials of URLs. Without encoding, a password may contain slashes, as many keys of S3 do. */
export function withoutUserInfo(text: string): string {
  return text.replace(/(\w:\/\/)(?:[^\s"/@:[]*:(?!\d+\b)[^\s"]*|[^\s"/@]+)@/g, `$1${MASK}@`);
}
