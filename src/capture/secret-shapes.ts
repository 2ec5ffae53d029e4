/**
 * Finds secrets in any text by their form or by the text before them. Pure.
 *
 * Every expression is bounded in length or restricts the preceding character, so that matching takes linear time for any text.
 */

import { maskPrivateKeys } from './private-keys.js';
import { maskAssignments } from './secret-assignments.js';
import { isBoring, isMasked, judgeName, looksLikeCredential, looksRandom, MASK } from './secret-names.js';

/** A text without its secrets, and the number of secrets. */
export interface MaskedText {
  readonly text: string;
  readonly count: number;
}

/**
 * Tokens with a recognizable form.
 *
 * Source: the issuers' documentation, as collected by https://github.com/gitleaks/gitleaks (config/gitleaks.toml).
 */
const TOKEN_SHAPES = [
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])', // AWS access key id
  'gh[pousr]_[A-Za-z0-9]{36,255}', // GitHub
  'github_pat_[A-Za-z0-9_]{22,255}',
  'gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|imt|agent|ffct)-[A-Za-z0-9_-]{20,300}', // GitLab
  'xox[abeoprs]-[A-Za-z0-9-]{10,300}', // Slack
  'xapp-\\d-[A-Za-z0-9-]{10,300}',
  'sk-ant-[A-Za-z0-9_-]{20,300}', // Anthropic
  'AIza[A-Za-z0-9_-]{35}', // Google
  'ya29\\.[A-Za-z0-9_-]{20,2048}',
  'GOCSPX-[A-Za-z0-9_-]{20,60}',
  '[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}', // Stripe
  'whsec_[A-Za-z0-9+/=]{16,255}',
  'npm_[A-Za-z0-9]{36}', // npm
  'pypi-[A-Za-z0-9_-]{50,1000}', // PyPI
  'hf_[A-Za-z0-9]{30,60}', // Hugging Face
  'api_org_[A-Za-z0-9]{30,60}',
  'wandb_v\\d_[A-Za-z0-9_-]{20,255}', // Weights & Biases
  'local-[0-9a-f]{40}(?![0-9a-f])',
  'r8_[A-Za-z0-9]{37}', // Replicate
  'gsk_[A-Za-z0-9]{40,80}', // Groq
  'xai-[A-Za-z0-9]{60,100}', // xAI
  'SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,64}', // SendGrid
  'do[opr]_v1_[a-f0-9]{64}', // DigitalOcean
  'dapi[0-9a-f]{32}(?![0-9a-f])', // Databricks
  'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}', // Shopify
  'lin_api_[A-Za-z0-9]{40}', // Linear
  'hv[sb]\\.[A-Za-z0-9_-]{24,300}', // HashiCorp Vault
  'dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,60}', // Docker
  'PMAK-[a-f0-9]{24}-[a-f0-9]{34}', // Postman
  'AGE-SECRET-KEY-1[A-Z0-9]{50,64}', // age
  '\\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])', // Telegram
  'eyJhcGlf[A-Za-z0-9+/_-]{40,2048}={0,2}', // Neptune: base64 of {"api_…
  '(?<![_-])eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]*', // JSON web token
];

const TOKEN = new RegExp(`(?<![A-Za-z0-9])(?:${TOKEN_SHAPES.join('|')})`, 'g');
/** Matches keys of OpenAI and of services with the same form. The key must also look random, because scikit-learn has style names like it. */
const SK_KEY = /(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{20,300}/g;
const SLACK_WEBHOOK = /(hooks\.slack\.com\/(?:services|workflows|triggers)\/)[A-Za-z0-9/_-]{20,200}/g;

const AUTHORIZATION =
  /(authorization\\{0,3}["']?[ \t]{0,4}[:=][ \t]{0,4}\\{0,3}["']?)((?:bearer|basic|token|digest|apikey|negotiate)\s{1,4})?([^\s"'\\,;]{4,})/gi;
const BEARER = /(?<![A-Za-z0-9_])((?:bearer|basic)\s{1,4})([A-Za-z0-9._~+/-]{16,}={0,2})/gi;
const COOKIE = /(?<![A-Za-z0-9_])((?:set-)?cookie\s{0,2}:\s{0,4})([^\s"'=;]{1,256}=[^\r\n"']+)/gi;
const NETRC =
  /(?<![\w.])(machine\s{1,4}\S{1,256}\s{1,4}login\s{1,4}\S{1,256}\s{1,4}password\s{1,4})(\S{1,1024})/g;

/** Matches `scheme://user:password@` and `https://token@`. */
const URL_USER =
  /(?<![A-Za-z0-9+.-])([a-z][a-z0-9+.-]{1,30}:\/\/)([^\s/?#@:"'<>]{0,256})(:[^\s/?#"'<>]{0,1024})?@/gi;
const QUERY = /([?&](?:amp;)?)([A-Za-z][\w.-]{0,60})=([^\s&"'<>#;]+)/g;
const SIGNATURE_NAME =
  /^(?:x-(?:amz|goog)-(?:signature|credential|security-token)|signature|sig|awsaccesskeyid|googleaccessid)$/i;

/** Replaces everything that looks like a secret with `***`. */
export function maskShapes(text: string): MaskedText {
  let count = 0;
  const mask = (before: string, after = ''): string => {
    count++;
    return `${before}${MASK}${after}`;
  };
  let masked = maskPrivateKeys(text, () => mask(''))
    .replace(TOKEN, () => mask(''))
    .replace(SK_KEY, (key) => (looksRandom(key.slice(3)) ? mask('') : key))
    .replace(AUTHORIZATION, (all, before: string, scheme: string | undefined, value: string) =>
      isMasked(value) || !(/^bearer/i.test(scheme ?? '') || looksLikeCredential(value))
        ? all
        : mask(before + (scheme ?? '')),
    )
    .replace(BEARER, (all, scheme: string, value: string) =>
      looksLikeCredential(value) && /\d/.test(value) ? mask(scheme) : all,
    );
  if (masked.includes('://')) {
    masked = masked
      .replace(SLACK_WEBHOOK, (_, before: string) => mask(before))
      .replace(URL_USER, (all, scheme: string, user: string, password: string | undefined) =>
        maskUser(all, scheme, user, password, mask),
      );
  }
  if (masked.includes('ookie')) {
    masked = masked.replace(COOKIE, (all, before: string, value: string) =>
      isMasked(value) ? all : mask(before),
    );
  }
  if (masked.includes('machine')) {
    masked = masked.replace(NETRC, (all, before: string, value: string) =>
      isMasked(value) ? all : mask(before),
    );
  }
  masked = masked.replace(QUERY, (all, before: string, name: string, value: string) =>
    isSecretInQuery(name, value) ? mask(`${before}${name}=`) : all,
  );
  return { text: maskAssignments(masked, () => mask('')), count };
}

function maskUser(
  all: string,
  scheme: string,
  user: string,
  password: string | undefined,
  mask: (before: string, after?: string) => string,
): string {
  if (password !== undefined) {
    const isNothing = password === ':' || isMasked(password.slice(1)) || isPlaceholderOf(password.slice(1));
    return isNothing ? all : mask(`${scheme}${user}:`, '@');
  }
  // A user without a password is a name such as `git`, unless it looks like a token.
  return looksLikeCredential(user) && user.length >= 16 ? mask(scheme, '@') : all;
}

/** Whether the text is a placeholder such as `${PASSWORD}`. */
function isPlaceholderOf(text: string): boolean {
  return /^(?:\$\{?\w+\}?|<\w+>|%\w+%)$/.test(text);
}

function isSecretInQuery(name: string, value: string): boolean {
  if (isMasked(value)) return false;
  if (SIGNATURE_NAME.test(name)) return true;
  if (name === 'key') return looksRandom(value);
  return judgeName(name) !== 'ordinary' && value.length >= 6 && !isBoring(value);
}
