/**
 * Decides which names and values look like secrets, from the words of a name and the characters of a value. Pure.
 *
 * Machine learning has its own tokens, keys and masks: `pad_token`, `max_tokens` and `cache_key` are not secrets. Therefore a name
 * has one of three verdicts, and if the name is not conclusive, the value decides.
 */

/** `secret`: the value is a secret. `perhaps`: the value is a secret if it looks like one. */
export type NameVerdict = 'secret' | 'perhaps' | 'ordinary';

export const MASK = '***';

/** Every name of a secret matches this quick test, which avoids splitting most names into words. */
const HINT = /pass|_pat|pwd|secret|token|key|cred|auth|dsn|jwt|cookie|webhook|connection/i;

/** Words that make a name secret at any position. */
const SECRET_WORD =
  /^(?:\w*(?:password|passwd|passphrase|passcode)s?|(?:\w*[a-z])?secrets?|credentials?|creds|(?:x?api|access|secret|private|account|signing|encryption)keys?|(?:auth|access|refresh|session|bearer|oauth|api|bot)tokens?|authorization|pwd|dsn|jwt|sshpass)$/;

/** Words that make a following `key` secret. */
const SECRET_KEY_OWNERS = new Set(
  (
    'api access secret private account signing signature encryption decryption master deploy ssh license service subscription storage shared admin ' +
    'session sdk write client consumer application auth hmac jwt webhook cookie cipher aes rsa sas root recovery wallet'
  ).split(' '),
);

/** Words that make a following `token` secret. */
const SECRET_TOKEN_OWNERS = new Set(
  (
    'auth access refresh session bearer oauth api bot personal deploy registry vault csrf xsrf client service security job ci login ' +
    'push private identity admin hf hub huggingface github gh gitlab bitbucket npm node pypi slack discord telegram wandb neptune comet mlflow ' +
    'openai anthropic replicate cohere azure aws gcp google polyaxon gemini mistral groq nvidia stripe twilio sendgrid datadog dd sentry grafana ' +
    'cloudflare pinecone figma notion supabase vercel netlify heroku render fly digitalocean linode jira atlassian'
  ).split(' '),
);

/** Words that make a following `pass` a password; `forward_pass` is none. */
const PASSWORD_OWNERS = new Set(
  (
    'db database user admin root mysql pg postgres postgresql mongo redis sql smtp imap mail email ftp sftp ssh ldap api login mqtt amqp rabbitmq http ' +
    'https proxy basic wifi vpn account service auth my app kafka es elastic elasticsearch registry docker git'
  ).split(' '),
);

/** Words that make a following `token` a vocabulary token or a count. */
const VOCABULARY_TOKEN_OWNERS = new Set(
  (
    'pad padding eos bos cls sep mask unk unknown start end stop special image audio video prompt max min num n per next first last new input ' +
    'output total begin sot eot system assistant prefix suffix middle fim decoder encoder forced blank oov word boundary sub class tool'
  ).split(' '),
);

/** Words that make a following `key` ordinary, even in the environment. */
const ORDINARY_KEY_OWNERS = new Set(
  'cache primary foreign sort partition public pub gpg pgp idempotency host group lookup data dict row column metric config hash'.split(
    ' ',
  ),
);

/** A name that ends in one of these words describes a secret but does not contain it. */
const ORDINARY_ENDINGS = new Set(
  (
    'file files path paths dir directory folder name names type kind url uri endpoint host port count counts length len size limit ttl age expiry ' +
    'expires expiration expired method mode provider enabled disabled required policy version algorithm algo sock socket user username email ' +
    'header headers store manager prefix suffix strategy id ids index mask embedding embeddings loss accuracy ratio rate source scope scopes ' +
    'region audience issuer format location schema field fields label labels model classes dim status timeout interval'
  ).split(' '),
);

/** Values that mean the absence or the kind of a secret, and words that are too common to be masked in texts. */
const BORING_WORDS = new Set(
  (
    'true false none null nil undefined yes no on off enabled disabled default required optional empty unset auto password passwd secret token ' +
    'basic bearer digest oauth oauth2 apikey api_key kerberos ldap saml github gitlab google azure admin administrator root user guest public ' +
    'private local localhost server client worker master postgres postgresql mysql mariadb redis mongodb sqlite polyaxon polytrack tensorboard ' +
    'production development staging testing example sample string number object changeme incorrect invalid valid missing wrong expired failed ' +
    'accepted changed rejected denied correct match matched mismatch unknown hidden redacted masked present absent found ok set get new old'
  ).split(' '),
);

const VERSION = /^[~^<>=v ]{0,4}\d{1,9}\.\d{1,9}(?:\.(?:\d{1,9}|x|\*))?(?:[-+][\w.]{1,30})?$/;

/** Whether the text is a version, or a range of versions as in package manifests: `^1.2.0`, `>=3.9.0 <4`, `^3.2 || ^4.0`. */
function isVersionRange(text: string): boolean {
  if (text.length > 200) return false;
  const parts = text.split(/ ?\|\| ?| - | (?=[<>=~^])/);
  return (
    VERSION.test(parts[0]!) && parts.every((part) => VERSION.test(part) || /^[<>=~^]{1,2}\d{1,9}$/.test(part))
  );
}

/** Judges by the name of a variable, key, flag or header whether its value is a secret. */
export function judgeName(name: string): NameVerdict {
  if (name.length > 256 || !HINT.test(name) || name === 'PWD' || name === 'OLDPWD') return 'ordinary';
  const words = toWords(name);
  const last = words.at(-1);
  if (last === undefined) return 'ordinary';
  const before = words.at(-2) ?? '';
  if (
    (ORDINARY_ENDINGS.has(last) || ORDINARY_ENDINGS.has(last.replace(/s$/, ''))) &&
    !(last === 'id' && before === 'secret')
  )
    return 'ordinary';
  if (words.some((word) => SECRET_WORD.test(word))) return 'secret';
  if (hasPair(words, 'key', SECRET_KEY_OWNERS) || hasPair(words, 'keys', SECRET_KEY_OWNERS)) return 'secret';
  if (hasPair(words, 'key', SECRET_TOKEN_OWNERS) || hasPair(words, 'pass', PASSWORD_OWNERS)) return 'secret';
  if (last === 'pat' && before !== '') return SECRET_TOKEN_OWNERS.has(before) ? 'secret' : 'perhaps';
  if (last === 'cookie' || last === 'cookies') return 'secret';
  if (last === 'string' && before === 'connection') return 'secret';
  if (hasPair(words, 'tokens', SECRET_TOKEN_OWNERS)) return 'perhaps';
  const token = words.indexOf('token');
  if (token >= 0) {
    const owner = words[token - 1] ?? '';
    if (VOCABULARY_TOKEN_OWNERS.has(owner)) return 'ordinary';
    return SECRET_TOKEN_OWNERS.has(owner) ? 'secret' : 'perhaps';
  }
  return words.some((word) => ['auth', 'authentication', 'pass', 'cookie', 'webhook'].includes(word))
    ? 'perhaps'
    : 'ordinary';
}

/** Whether a variable's name ends in `KEY` and may denote a secret. Its value is a secret only if it also looks random. */
export function isSomeKey(name: string): boolean {
  const words = toWords(name.slice(-256));
  return words.at(-1) === 'key' && words.length > 1 && !ORDINARY_KEY_OWNERS.has(words.at(-2)!);
}

/** Whether the value of this name is a password, which may be a number. */
export function isPasswordName(name: string): boolean {
  return /(?:password|passwd|passphrase|passcode|pwd)$/i.test(name);
}

/** Whether the value is too ordinary to be masked: an ordinary word, a short number, a path, a placeholder, a plain URL. */
export function isBoring(value: string): boolean {
  const text = value.trim();
  return (
    text === '' ||
    BORING_WORDS.has(text.toLowerCase()) ||
    isOrdinaryNumber(text) ||
    isVersionRange(text) ||
    isPlaceholder(text) ||
    isPath(text) ||
    isPlainUrl(text)
  );
}

/** Whether a value whose name is not conclusive looks like a credential rather than a word. */
export function looksLikeCredential(value: string): boolean {
  if (value.length < 8 || value.length > 8192 || /\s/.test(value) || isBoring(value)) return false;
  if (/^[<[{(]/.test(value)) return false;
  if (/\d/.test(value)) return /[A-Za-z]/.test(value) || value.length >= 12;
  return (/[a-z]/.test(value) && /[a-z][A-Z]/.test(value)) || (value.length >= 16 && /[^A-Za-z]/.test(value));
}

/** Whether a text looks random: at least 16 characters with digits and letters of both cases, or at least 24 hex digits and dashes. */
export function looksRandom(text: string): boolean {
  if (text.length < 16 || !/\d/.test(text) || /\s/.test(text)) return false;
  return (/[a-z]/.test(text) && /[A-Z]/.test(text)) || /^[0-9a-f-]{24,}$/i.test(text);
}

/** Whether the value is already masked: `***`, or `Bearer ***`. */
export function isMasked(value: string): boolean {
  return /^(?:[A-Za-z]+ )?\*\*\*/.test(value);
}

/** Splits a name into words: `someAPIKey`, `SOME_API_KEY`, `some.api-key` → some, api, key. */
export function toWords(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

function hasPair(words: readonly string[], second: string, firsts: ReadonlySet<string>): boolean {
  return words.some((word, index) => word === second && firsts.has(words[index - 1] ?? ''));
}

/** Eight or more digits can be a password. Shorter numbers occur in every log. */
function isOrdinaryNumber(text: string): boolean {
  return (
    /^[+-]?(?:\d{0,7}|\d{1,3}(?:_\d{3}){1,4}|\d{1,15}\.\d{0,20})(?:e[+-]?\d{1,3})?$/i.test(text) ||
    /^\d{4}-\d\d-\d\d$/.test(text)
  );
}

function isPlaceholder(text: string): boolean {
  return (
    /^[*x.•#-]{3,}$/i.test(text) ||
    /^(?:\$[A-Z_][A-Z0-9_]*|\$\{[\w.]+\}|%[A-Z_]+%|<[^<>]*>|\{\{[^{}]*\}\}|\[[A-Z_]+\])$/.test(text)
  );
}

/** Whether the text is a path. A text with a random segment is not, because base64 secrets may begin with a slash. */
function isPath(text: string): boolean {
  const isAbsolute = /^(?:~|\.{1,2})?\/|^[A-Za-z]:[\\/]/.test(text);
  const isKnownFile =
    /^[\w.-]+(?:\/[\w.-]+)*$/.test(text) &&
    /\.(?:json|ya?ml|toml|ini|cfg|conf|txt|env|pem|key|crt|cer|p12|pfx)$/i.test(text);
  return (isAbsolute || isKnownFile) && !text.includes('+') && !text.split(/[\\/]/).some(looksRandom);
}

function isPlainUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]{1,20}:\/\/[^\s@?#]+$/i.test(text) && !text.split('/').some(looksRandom);
}
