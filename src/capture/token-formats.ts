/**
 * Finds tokens of services in any text by their form. Pure.
 *
 * Most services begin their tokens with a prefix, so that tools can find them. Forms come from three places: the rules of gitleaks
 * (`secret-formats.ts`), the prefixes below, and a general form for services that neither knows. A token without a prefix, such as 32 hex
 * digits, looks like a checksum; it is found only by its name or in the environment.
 *
 * Every expression is bounded in length or restricts the preceding character, so that matching takes linear time for any text.
 */

import { TOKEN_FORMATS } from './secret-formats.js';
import { looksRandom } from './secret-names.js';

/** Forms that the prefixes below do not express, or that accept other lengths than those of gitleaks. */
const FORMS = [
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])', // AWS access key id
  'IQoJb3JpZ2lu[A-Za-z0-9+/]{100,4096}={0,2}', // AWS session token
  'gh[pousr]_[A-Za-z0-9]{36,255}', // GitHub
  'github_pat_[A-Za-z0-9_]{22,255}',
  'gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|imt|agent|ffct)-[A-Za-z0-9_-]{20,300}', // GitLab
  'xox[abeoprs]-[A-Za-z0-9-]{10,300}', // Slack
  'xapp-\\d-[A-Za-z0-9-]{10,300}',
  'AIza[A-Za-z0-9_-]{35}', // Google
  'ya29\\.[A-Za-z0-9_-]{20,2048}',
  '1//0[A-Za-z0-9_-]{40,512}',
  'AAAA[A-Za-z0-9_-]{7}:[A-Za-z0-9_-]{140}', // Firebase
  'npm_[A-Za-z0-9]{36}',
  'hf_[A-Za-z0-9]{30,60}', // Hugging Face
  'api_org_[A-Za-z0-9]{30,60}',
  'local-[0-9a-f]{40}(?![0-9a-f])', // Weights & Biases, on its own server
  'r8_[A-Za-z0-9]{37}', // Replicate
  'SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,64}', // SendGrid
  'dapi[0-9a-f]{32}(?![0-9a-f])', // Databricks
  'hv[sbr]\\.[A-Za-z0-9_-]{24,300}', // HashiCorp Vault
  'dp\\.(?:pt|st|ct|sa|scim|audit)\\.[A-Za-z0-9_.-]{40,80}', // Doppler
  'key-[0-9a-f]{32}(?![0-9a-f])', // Mailgun
  '[0-9a-f]{32}-us\\d{1,2}(?![A-Za-z0-9])', // Mailchimp
  '\\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])', // Telegram
  '[MNO][A-Za-z0-9]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,38}(?![A-Za-z0-9_-])', // Discord
  'eyJhcGlf[A-Za-z0-9+/_-]{40,2048}={0,2}', // Neptune: base64 of {"api_…
  '(?<![_-])eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]*', // JSON web token
  'perm(?::|-)[A-Za-z0-9+/=]{4,256}\\.[A-Za-z0-9+/=]{2,256}\\.[A-Za-z0-9]{20,128}', // JetBrains
  '[0-9]/[0-9]{10,20}(?:/[0-9]{10,20})?:[0-9a-f]{32}(?![0-9a-f])', // Asana
  'access_token\\$(?:production|sandbox)\\$[a-z0-9]{16}\\$[0-9a-f]{32}', // PayPal
  'sk\\.eyJ[A-Za-z0-9_-]{20,512}\\.[A-Za-z0-9_-]{20,64}', // Mapbox
  'token-[a-z0-9]{5}:[a-z0-9]{54}', // Rancher
  // The forms below have no separator, so they must not be part of base64.
  '(?<![+/])SK[0-9a-fA-F]{32}(?![A-Za-z0-9])', // Twilio
  '(?<![+/])EAAA[A-Za-z0-9_-]{60}(?![A-Za-z0-9+/=])', // Square
  '(?<![+/])A21AA[A-Za-z0-9_-]{80,120}(?![A-Za-z0-9+/=])', // PayPal
  '(?<![+/])AKID[A-Za-z0-9]{32}(?![A-Za-z0-9+/=])', // Tencent
  '(?<![+/])cio[A-Za-z0-9]{32}(?![A-Za-z0-9+/=])', // crates.io
  '(?<![+/])oy2[a-z0-9]{43}(?![A-Za-z0-9+/=])', // NuGet
  '(?<![+/])YC[A-Za-z0-9_-]{38}(?![A-Za-z0-9+/=])', // Yandex
  '(?<![+/])AQVN[A-Za-z0-9_-]{35,38}(?![A-Za-z0-9+/=])',
  '(?<![+/])2[A-Za-z0-9]{26}_[A-Za-z0-9]{20,24}(?![A-Za-z0-9+/=])', // ngrok
];

/**
 * Prefixes of tokens. The rest of the token must look random, because some are also words of programs.
 *
 * Source: the documentation of each service, and the list of GitHub's secret scanning (docs.github.com, "Supported secret scanning patterns").
 */
const PREFIXES = [
  // Models and data for machine learning.
  'sk-(?:lf-)?|sdk-|sk_|sess-|gsk_|xai-|nvapi-|pplx-|fw_|tgp_v1_|csk-|r8_|hf_|jina_|pcsk_|tvly-(?:dev-|prod-)?|fc-|pa-',
  'lsv2_(?:pt|sk)_|ls__|llx-|esecret_|ak-|as-|rpa_|CW-SECRET-|wandb_v\\d_|rf_|KGAT_|e2b_|bb_(?:live|test)_|ck-|m0-|uak_|ark-',
  // Code, deployment, databases, operation.
  'do[opr]_v1_|dckr_(?:pat|oat)_|tskey-(?:[a-z]+-)?|fig[dour]_|ntn_|secret_|sbp_(?:oauth_|v0_)?|sb_secret_|pul-|nf[pcoub]_|rnd_|vercel_blob_rw_|vc[kprtia]_',
  'napi_|npg_|pscale_(?:tkn|pw|oauth)_|dbt[cu]_|xau_|cf(?:ut|at|k)_|glsa_|glc_|pn[ub]_|hc[abx][imlk]k_|xaat-|xapt-|NR(?:AK|II|IQ|JS|RA|SP)-|ddapi_|ddp_|dt0[a-z]\\d{2}\\.',
  'ops_|FlyV1 |fm[12][ar]?_|fo1_|crates_|rubygems_|pypi-|bkua_|bkct_|CCIP(?:AT|RJ)_|sq[upa]_|sgp_(?:local_)?|sgd_|snyk_(?:uat|sat)\\.|sntry[us]_|ph[xs]_|PMAK-|PMAT-',
  'lin_(?:api|oauth)_|AT(?:ATT|CTT)3|ATBB|ATTA|ATOA|pat-(?:na|eu|ap)\\d-|patA?[A-Za-z0-9]{14}\\.|CFPAT-|st?\\.|sl\\.(?:u\\.)?|HRKU-|syt_|unkey_|trp_|tr_(?:dev|prod)_|inngest_|signkey-(?:prod|test)-|zpka_|polar_(?:oat|pat)_',
  // Payment, mail, other services.
  '[rs]k_(?:live|test|prod|org)_|whsec_|sq0(?:atp|csp|idp)-|rzp_(?:live|test)_|FLWSECK-|shp(?:at|ca|pa|ss|tka|it)_|shippo_(?:live|test)_|access-(?:production|sandbox|development)-',
  'GOCSPX-|re_|xkeysib-|xsmtpsib-|mlsn\\.|tfp_|waka_|apify_(?:api|proxy)_|retool_|aio_|tk_|fio-u-|duffel_(?:live|test)_|api_(?:live|sandbox|test)\\.|lip_',
  '(?<![+/])(?:pdus|u)\\+', // not part of base64
  't1\\.|sha256~|AGE-SECRET-KEY-1|tk-(?:us|eu)-|cal_(?:live_)?|secret-(?:live|test)-|svix_|stytch_|wst_',
].join('|');

/** Every token contains a run of characters like this one. Most lines do not, and are left after this quick test. */
const LONG_WORD = /[A-Za-z0-9_.-]{16}/;
const FORM = new RegExp(`(?<![A-Za-z0-9])(?:${[...FORMS, ...TOKEN_FORMATS].join('|')})[A-Za-z0-9_-]*`, 'g');
const PREFIXED = new RegExp(`(?<![A-Za-z0-9_.-])(${PREFIXES})([A-Za-z0-9_.-]{12,512}={0,2})`, 'g');
/** A word, and letters and digits after it: the form that most new services choose. */
const GENERAL =
  /(?<![A-Za-z0-9+/_.-])((?:[A-Za-z][A-Za-z0-9]{0,11}[_-]){1,3})([A-Za-z0-9]{32,512})(?![A-Za-z0-9+/=])/g;
/** Words before checksums and ids. */
const ORDINARY_PREFIX =
  /^(?:sha\d*|md5|sri|integrity|hash|digest|commit|build|cid|id|uuid|etag|chunk|run|task|job|pod|img|image|file|blob|layer|chatcmpl|cmpl|asst|thread|msg|req|resp|call|batch|toolu|cs|pi|pm|cus|sub|in|ch|evt|acct|price|prod)[_-]/i;

/** Masks the tokens of a text. `mask` returns the replacement. */
export function maskTokens(text: string, mask: () => string): string {
  if (!LONG_WORD.test(text)) return text;
  return text
    .replace(FORM, mask)
    .replace(PREFIXED, (all, _, body: string) => (isRandomBody(body) ? mask() : all))
    .replace(GENERAL, (all, prefix: string, body: string) =>
      !ORDINARY_PREFIX.test(prefix) && isMixed(body) ? mask() : all,
    );
}

/** Whether the part after a prefix looks random: letters and digits without words between separators. */
function isRandomBody(body: string): boolean {
  const longest = body.split(/[_.-]/).reduce((a, b) => (b.length > a.length ? b : a), '');
  if (longest.length < 8) return false;
  const hex = body.replace(/[.-]/g, '');
  if (/^(?:[0-9a-f]{20,}|[0-9A-F]{20,})$/.test(hex)) return /\d/.test(hex) && /[a-f]/i.test(hex);
  const digits = body.replace(/\D/g, '').length;
  return (
    (digits >= 2 && isMixed(longest)) ||
    (digits >= 4 && longest.length >= 16 && digits * 8 >= longest.length && /[A-Za-z]/.test(longest)) ||
    (digits >= 1 && longest.length >= 20 && countCaseChanges(longest) >= 6) ||
    (looksRandom(body.replace(/[_.-]/g, '')) && digits >= 4)
  );
}

/** Whether the text has digits and letters of both cases. */
function isMixed(text: string): boolean {
  return /\d/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text) && countCaseChanges(text) >= 3;
}

/** The number of places where a lower-case letter and an upper-case letter meet; a name in camel case has two for each word. */
function countCaseChanges(text: string): number {
  return [...text.matchAll(/[a-z](?=[A-Z])|[A-Z](?=[a-z])/g)].length;
}
